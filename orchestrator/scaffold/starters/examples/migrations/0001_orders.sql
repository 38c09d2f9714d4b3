-- An example. A migration is never edited once it is committed: add the next number.
CREATE TABLE orders (
    id    INTEGER PRIMARY KEY,
    item  TEXT NOT NULL,
    total NUMERIC NOT NULL CHECK (total >= 0),
    state TEXT NOT NULL DEFAULT 'open'
);

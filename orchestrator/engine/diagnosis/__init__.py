"""What is active in this repository, what is missing, and how to mend it: one module a subject."""

"""Can everybody use the pages? Looks at HTML for what most often shuts people out.

Every tracked .html and .htm file: a language and a title on whole pages, alt
text on images, a label on every form field, a name on every link and button,
no skipped heading level, no id twice. It reads markup only: colours, focus
order and what scripts draw need a person or a browser.

Writes SARIF. Add globs to look at other files.
"""

from html.parser import HTMLParser

import checklib

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
        "track", "wbr"}
UNLABELLED = {"hidden", "submit", "reset", "button", "image"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.problems, self.stack, self.ids = [], [], set()
        self.labels, self.fields, self.heading = set(), [], 0
        self.title, self.names = None, []  # names: open links and buttons [tag, line, text]

    def add(self, message, rule, line=None):
        self.problems.append((message, line or self.getpos()[0], rule))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_starttag(self, tag, attributes):
        a = {name: value or "" for name, value in attributes}
        present = dict(attributes)
        named = bool(a.get("aria-label", "").strip() or a.get("aria-labelledby")
                     or a.get("title", "").strip())
        if a.get("id"):
            if a["id"] in self.ids:
                self.add(f'the id "{a["id"]}" is used twice', "duplicate-id")
            self.ids.add(a["id"])
        if tag == "html" and not a.get("lang", "").strip():
            self.add("<html> has no lang attribute", "page-language")
        if tag == "title" and "svg" not in self.stack:
            self.title = ""
        if tag in ("img", "area") or (tag == "input" and a.get("type", "").lower() == "image"):
            if "alt" not in present and not named and a.get("aria-hidden") != "true":
                self.add(f'<{tag}> has no alt text (alt="" if it only decorates)', "alt-text")
            elif self.names and a.get("alt", "").strip():
                self.names[-1][2] += a["alt"]
        if tag in ("input", "select", "textarea") and a.get("type", "").lower() not in UNLABELLED:
            if not named and "label" not in self.stack:
                self.fields.append((tag, a.get("id"), self.getpos()[0]))
        if tag == "label" and a.get("for"):
            self.labels.add(a["for"])
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            level = int(tag[1])
            if self.heading and level > self.heading + 1:
                self.add(f"<{tag}> follows <h{self.heading}>: a level is skipped", "heading-order")
            self.heading = level
        if tag == "button" or (tag == "a" and "href" in present):
            self.names.append([tag, self.getpos()[0], "named" if named else ""])
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if tag in self.stack:
            while self.stack.pop() != tag:
                pass
        if self.names and self.names[-1][0] == tag:
            _, line, text = self.names.pop()
            if not text.strip():
                self.add(f"<{tag}> has no text that says what it does", "name", line)

    def handle_data(self, data):
        if self.stack and self.stack[-1] == "title" and self.title is not None:
            self.title += data
        for item in self.names:
            item[2] += data

    def unlabelled(self):
        for tag, identifier, line in self.fields:
            if not identifier or identifier not in self.labels:
                self.add(f"<{tag}> has no label", "label", line)


def examine(text):
    """The problems of one page: (message, line, rule)."""
    page = Page()
    page.feed(text)
    page.close()
    page.unlabelled()
    if "<html" in text.lower() and not (page.title or "").strip():
        page.add("the page has no title", "page-title", 1)
    return sorted(page.problems, key=lambda problem: problem[1])


def main():
    options = checklib.arguments(__doc__, globs={"positional": True, "nargs": "*"})
    report = checklib.Report("accessibility")
    for name in checklib.files(*(options.globs or ["*.html", "*.htm"])):
        report.case(name, examine(checklib.read(name)), file=name)
    report.finish(options.report, "sarif")


if __name__ == "__main__":
    main()

"""Do the pieces of the interface fit together?

For every script (.js .mjs .cjs .jsx .ts .tsx .vue .svelte): each relative
import leads to a file. For every page (.html): each relative script, style
sheet, image and page it names is there. Addresses that begin with ``/`` or a
scheme, and ones made by a template, are the server's business and not
examined.

Writes JUnit, one case per file.
"""

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path

import checklib

SCRIPTS = ["*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.tsx", "*.vue", "*.svelte"]
ENDINGS = ["", ".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte", ".json"]
COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"\w])//[^\n]*", re.S)
IMPORT = re.compile(
    r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])(\.{1,2}/[^'"\n]*|\.{1,2})\1"""
)


def resolves(folder, target):
    """True when a relative import leads to a file, the way bundlers look for it."""
    path = posixpath.normpath(posixpath.join(folder, target.split("?")[0].split("#")[0]))
    stem = re.sub(r"\.[cm]?jsx?$", "", path)  # TypeScript writes ./x.js for ./x.ts
    tries = [path + ending for ending in ENDINGS]
    tries += [f"{path}/index{ending}" for ending in ENDINGS[1:]] + [f"{path}/package.json"]
    tries += [stem + ending for ending in (".ts", ".tsx")] if stem != path else []
    return any(Path(name).is_file() for name in tries)


def script_problems(name, text):
    code = COMMENT.sub(lambda m: "\n" * m.group().count("\n"), text)
    folder = posixpath.dirname(name)
    return [
        (f'imports "{m.group(2)}", which is not there', code.count("\n", 0, m.start()) + 1)
        for m in IMPORT.finditer(code)
        if not resolves(folder, m.group(2))
    ]


class Assets(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        wanted = {"script": "src", "img": "src", "source": "src", "link": "href"}.get(tag)
        target = a.get(wanted) if wanted else None
        if tag == "a" and re.search(r"\.html?([#?]|$)", a.get("href") or ""):
            target = a["href"]
        if target and not re.match(r"[a-z][a-z0-9+.-]*:|/|#|.*[{<]", target, re.I | re.S):
            self.found.append((target, self.getpos()[0]))

    handle_startendtag = handle_starttag


def page_problems(name, text):
    page, folder = Assets(), posixpath.dirname(name)
    page.feed(text)
    problems = []
    for target, line in page.found:
        path = posixpath.normpath(posixpath.join(folder, re.split("[?#]", target)[0]))
        if not Path(path).exists():
            problems.append((f'names "{target}", which is not there', line))
    return problems


def main():
    options = checklib.arguments(__doc__)
    report = checklib.Report("components")
    skipped = ["node_modules/*", "*/node_modules/*", "dist/*", "build/*", "*.min.js"]
    for name in checklib.files(*SCRIPTS, without=skipped):
        report.case(name, script_problems(name, checklib.read(name)), file=name)
    for name in checklib.files("*.html", "*.htm", without=skipped):
        report.case(name, page_problems(name, checklib.read(name)), file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()

"""Does the schema change only in ways that running systems survive?

Looks at SQL migrations (numbered ``.sql`` files in folders called
``migrations``): numbers are unique, a migration that was committed before is
never edited or removed, and nothing is dropped or renamed without a line
``-- breaking: why`` in the same file. JSON Schemas are compared by the
contracts of the configuration, not here.

"Before" is the first parent of the commit that is checked out, which for a
verified handoff is the integration branch. Writes JUnit, one case per file.
"""

import re
import subprocess
from pathlib import Path

import checklib

DROPS = re.compile(
    r"\b(drop\s+(?:table|column|view|index|schema|database)|rename\s+(?:to|column)|truncate)\b", re.I
)
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.S)
NUMBER = re.compile(r"^[Vv]?(\d+)")


def before():
    """Migrations of the first parent: {path: content}; empty for a first commit."""
    shallow = subprocess.run(["git", "rev-parse", "--is-shallow-repository"], capture_output=True,
                             text=True, check=False).stdout.strip()
    listed = subprocess.run(["git", "ls-tree", "-r", "--name-only", "-z", "HEAD^1"],
                            capture_output=True, check=False)
    if listed.returncode and shallow == "true":
        checklib.give_up("the commit before is not here (a shallow clone); fetch two commits")
    names = listed.stdout.decode(errors="surrogateescape").split("\0")
    kept = [n for n in names if n.endswith(".sql") and "migrations" in Path(n).parts]
    return {n: subprocess.run(["git", "show", f"HEAD^1:{n}"], capture_output=True,
                              check=True).stdout for n in kept}


def drop_problems(text):
    """Statements that take something away, unless the file says why."""
    if re.search(r"^\s*--\s*breaking:\s*\S", text, re.I | re.M):
        return []
    code = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    return [(f'"{m.group(1)}" takes something away; say why: -- breaking: …',
             code.count("\n", 0, m.start()) + 1) for m in DROPS.finditer(code)]


def main():
    options = checklib.arguments(__doc__)
    report, old, taken = checklib.Report("schema-evolution"), before(), {}
    now = [n for n in checklib.files("*migrations/*.sql") if "migrations" in Path(n).parts]
    for name in now:
        problems, path = [], Path(name)
        number = NUMBER.match(path.name)
        if not number:
            problems.append("its name does not begin with a number")
        else:
            key = (path.parent, int(number.group(1)))
            if key in taken:
                problems.append(f"has the same number as {taken[key]}")
            taken[key] = path.name
        if name in old and old[name] != path.read_bytes():
            problems.append("was committed before and must not change; add a new migration")
        report.case(name, problems + drop_problems(checklib.read(name)), file=name)
    for name in sorted(set(old) - set(now)):
        report.case(name, ["was committed before and is gone"], file=name)
    report.finish(options.report)


if __name__ == "__main__":
    main()

"""What the checks in this folder share: finding files and writing reports.

Standard library only, so that they run wherever Python and git do.

Exit statuses: 0 nothing is wrong; 1 something is, and the report says what;
2 the check itself could not work. With 2 no report is written, so that nobody
takes silence for a pass.
"""

import argparse
import fnmatch
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def arguments(description, **options):
    """The command line every check understands: ``--report FILE`` and optional globs."""
    parser = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    parser.add_argument("--report", help="where to write the report")
    for name, settings in options.items():
        parser.add_argument(name if settings.pop("positional", False) else f"--{name}", **settings)
    return parser.parse_args()


#: Folders of other people's code: what is in them and not tracked is nobody's work here.
FOREIGN = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".mypy_cache"}


def files(*patterns, without=()):
    """Paths of this repository (tracked, or new and not ignored) that match a glob."""
    tracked, new = (_listed("-c"), _listed("-o", "--exclude-standard"))
    if tracked is None or new is None:
        tracked, new = [], [p.as_posix() for p in Path().rglob("*")]
    names = tracked + [n for n in new if not FOREIGN & set(n.split("/")[:-1])]

    def matches(name, globs):
        return any(fnmatch.fnmatch(name, g) or fnmatch.fnmatch("/" + name, "*/" + g) for g in globs)

    chosen = {n for n in names if matches(n, patterns) and not matches(n, without)}
    return sorted(n for n in chosen if Path(n).is_file() and not Path(n).is_symlink())


def _listed(*options):
    """What ``git ls-files`` lists, or None where it does not answer."""
    done = subprocess.run(["git", "ls-files", "-z", *options], capture_output=True, check=False)
    names = done.stdout.decode(errors="surrogateescape").split("\0")
    return [n for n in names if n] if done.returncode == 0 else None


def read(name):
    """A file's text; bytes that are not UTF-8 become replacement characters."""
    return Path(name).read_text(encoding="utf-8", errors="replace")


def give_up(reason):
    """End without a report: the check could not tell."""
    print(f"could not check: {reason}", file=sys.stderr)
    raise SystemExit(2)


class Report:
    """Collects cases, prints them, and writes JUnit or SARIF."""

    def __init__(self, tool):
        self.tool = tool
        self.cases = []

    def case(self, name, problems=(), file=None):
        """One thing that was examined. ``problems``: (message, line or None[, rule])."""
        found = [(*p, self.tool)[:3] if isinstance(p, tuple) else (p, None, self.tool)
                 for p in problems]
        self.cases.append((name, file, found, None))

    def skip(self, name, reason):
        """One thing that could not be examined here; it does not count as passed."""
        self.cases.append((name, None, [], reason))

    def finish(self, path, kind="junit"):
        """Print, write, and end with the right exit status."""
        if not self.cases:
            give_up("found nothing to examine; point the check at your files or remove it")
        bad = 0
        for name, file, problems, skipped in self.cases:
            for message, line, _ in problems:
                bad += 1
                where = f"{file or name}:{line}" if line else (file or name)
                print(f"{where}: {message}")
            if skipped:
                print(f"{name}: skipped, {skipped}")
        print(f"{self.tool}: examined {len(self.cases)}, problems {bad}")
        if path:
            text = self._sarif() if kind == "sarif" else self._junit()
            Path(path).write_text(text, encoding="utf-8")
        raise SystemExit(1 if bad else 0)

    def _junit(self):
        suite = ET.Element("testsuite", name=self.tool, tests=str(len(self.cases)))
        suite.set("failures", str(sum(1 for c in self.cases if c[2])))
        suite.set("errors", "0")
        suite.set("skipped", str(sum(1 for c in self.cases if c[3])))
        for name, file, problems, skipped in self.cases:
            case = ET.SubElement(suite, "testcase", classname=self.tool, name=_clean(name))
            if file:
                case.set("file", _clean(file))
            if problems and problems[0][1]:
                case.set("line", str(problems[0][1]))
            if problems:
                lines = [f"line {p[1]}: {p[0]}" if p[1] else p[0] for p in problems]
                failure = ET.SubElement(case, "failure", message=_clean(lines[0]))
                failure.text = _clean("\n".join(lines))
            if skipped:
                ET.SubElement(case, "skipped", message=_clean(skipped))
        whole = ET.Element("testsuites")
        whole.append(suite)
        return ET.tostring(whole, encoding="unicode", xml_declaration=True)

    def _sarif(self):
        results, rules = [], set()
        for name, file, problems, _ in self.cases:
            for message, line, rule in problems:
                rules.add(rule)
                place = {"artifactLocation": {"uri": _clean(file or name)}}
                if line:
                    place["region"] = {"startLine": line}
                results.append({
                    "ruleId": rule, "level": "error", "message": {"text": _clean(message)},
                    "locations": [{"physicalLocation": place}],
                })
        driver = {"name": self.tool, "rules": [{"id": rule} for rule in sorted(rules)]}
        run = {"tool": {"driver": driver}, "results": results}
        return json.dumps({"version": "2.1.0", "runs": [run]}, indent=1)


def _clean(text):
    """Text without what XML forbids."""
    text = text.encode("utf-8", "replace").decode()
    return "".join(c if c in "\t\n" or c.isprintable() else "?" for c in text)

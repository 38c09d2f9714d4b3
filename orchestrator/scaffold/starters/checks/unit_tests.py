"""Runs the project's unittest tests and writes JUnit.

Everything ``python -m unittest discover`` finds in ``tests`` (or the folder
given), and one case more: every Python file of the repository compiles. With
pytest, use ``python3 -m pytest --junitxml {report}`` in its place.
"""

import ast
import os
import sys
import time
import traceback
import unittest
import warnings

import checklib


class Listener(unittest.TestResult):
    """Keeps every test with what went wrong in it."""

    def __init__(self):
        super().__init__()
        self.ended = {}

    def startTest(self, test):
        super().startTest(test)
        self.ended[test.id()] = []

    def _wrong(self, test, error):
        text = "".join(traceback.format_exception(*error))
        last = text.strip().splitlines()[-1]
        self.ended.setdefault(test.id(), []).append((f"{last}\n{text}", None))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._wrong(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self._wrong(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self._wrong(test, error)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.ended[test.id()].append(("passed although it was expected to fail", None))


def compile_problems():
    """Files that are no valid Python."""
    problems = []
    for name in checklib.files("*.py"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse(checklib.read(name), name)
        except (SyntaxError, ValueError) as error:
            problems.append((f"{name}: {error}", getattr(error, "lineno", None)))
    return problems


def main():
    options = checklib.arguments(__doc__, folder={"positional": True, "nargs": "?",
                                                  "default": "tests"})
    report = checklib.Report("unit-tests")
    report.case("every Python file compiles", compile_problems())
    sys.path[:0] = [path for path in ("src", ".") if os.path.isdir(path)]
    if not os.path.isdir(options.folder):
        report.skip(options.folder, "there is no such folder yet")
        report.finish(options.report)
    suite = unittest.TestLoader().discover(options.folder, top_level_dir=None)
    result, start = Listener(), time.monotonic()
    suite.run(result)
    skipped = {test.id(): reason for test, reason in result.skipped}
    for name, problems in sorted(result.ended.items()):
        if name in skipped:
            report.skip(name, skipped[name])
        else:
            report.case(name, problems)
    if not result.ended:
        report.skip(options.folder, "no test in it yet")
    print(f"{result.testsRun} tests in {time.monotonic() - start:.1f} s")
    report.finish(options.report)


if __name__ == "__main__":
    main()

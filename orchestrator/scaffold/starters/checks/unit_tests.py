"""Runs the project's unittest tests and writes JUnit.

Everything ``python -m unittest discover`` finds in ``tests`` (or the folder
given), and one case more: every Python file of the repository compiles. Tests
that unittest would not run stop it: silence is no pass. With pytest, use
``python3 -m pytest --junitxml {report}`` in its place.
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


def unheard(folder):
    """Files below ``folder`` with tests in them that unittest does not run, with the reason."""
    loaded = {os.path.realpath(m.__file__) for m in list(sys.modules.values())
              if getattr(m, "__file__", None)}
    for name in checklib.files(f"{folder}/*.py"):
        stem = os.path.basename(name)[:-3]
        if not (stem.startswith("test") or stem.endswith("_test")):
            continue
        try:
            parts = ast.parse(checklib.read(name), name).body
        except (SyntaxError, ValueError):
            continue
        classes = [part for part in parts if isinstance(part, ast.ClassDef) and holds_test(part)]
        bare = [part for part in classes if not part.bases and part.name.startswith("Test")]
        if bare or any(is_test(part) for part in parts):
            yield name, "is written for pytest; run python3 -m pytest -q --junitxml {report}"
        elif classes and os.path.realpath(name) not in loaded:
            yield name, ("is not where unittest looks: its name begins with test, and every "
                         "folder around it has an __init__.py")


def is_test(part):
    """A function that pytest would run."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(part, functions) and part.name.startswith("test_") and (
        part.name != "test_suite")


def holds_test(part):
    """A class with a method that is a test."""
    return any(is_test(each) for each in part.body)


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
    missed = list(unheard(options.folder))
    if missed and "_FailedTest" not in str(suite):
        checklib.give_up("; ".join(f"{name} {why}" for name, why in missed[:5]))
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

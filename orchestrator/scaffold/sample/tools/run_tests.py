"""``python tools/run_tests.py FOLDER REPORT``: run unittest, write JUnit XML.

Nothing but the standard library, so that the project is tested on any machine.
Exit status 0 when everything passed, 1 otherwise.
"""

import os
import sys
import time
import traceback
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path


class Recorder(unittest.TextTestResult):
    """Remembers every case with its seconds and how it ended."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.cases = []

    def startTest(self, test):
        super().startTest(test)
        self.cases.append({"test": test, "start": time.perf_counter(), "kind": None})

    def stopTest(self, test):
        super().stopTest(test)
        self.cases[-1]["seconds"] = time.perf_counter() - self.cases[-1]["start"]

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._went_wrong("failure", test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self._went_wrong("error", test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._went_wrong("skipped", test, (None, reason, None))

    def _went_wrong(self, kind, test, err):
        if not self.cases or self.cases[-1]["test"] is not test:
            # A module or class that could not be set up: no case was started.
            self.cases.append({"test": test, "seconds": 0.0})
        text = "".join(traceback.format_exception(*err)) if err[0] else ""
        place = _place(err[2])
        self.cases[-1].update(kind=kind, message=str(err[1]), text=text, place=place)


def _place(trace):
    """The file and line of the test itself: the last frame inside this project."""
    here = os.getcwd() + os.sep
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename.startswith(here)]
    return (frames[-1].filename.removeprefix(here), frames[-1].lineno) if frames else None


def as_junit(name, cases):
    """The cases as a JUnit document."""
    kinds = [case.get("kind") for case in cases]
    suite = xml.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{sum(case['seconds'] for case in cases):.3f}",
    )
    for case in cases:
        owner, _, method = case["test"].id().rpartition(".")
        item = xml.SubElement(
            suite, "testcase", classname=owner, name=method, time=f"{case['seconds']:.3f}"
        )
        if case.get("place"):
            item.set("file", case["place"][0])
            item.set("line", str(case["place"][1]))
        if case.get("kind"):
            xml.SubElement(item, case["kind"], message=case["message"]).text = case["text"]
    return xml.ElementTree(suite)


def main():
    folder, report = sys.argv[1:3]
    sys.path.insert(0, os.getcwd())
    suite = unittest.defaultTestLoader.discover(folder, top_level_dir=".")
    result = unittest.TextTestRunner(resultclass=Recorder, verbosity=1).run(suite)
    Path(report).parent.mkdir(parents=True, exist_ok=True)
    as_junit(folder, result.cases).write(report, encoding="utf-8", xml_declaration=True)
    return 0 if result.wasSuccessful() and result.cases else 1


if __name__ == "__main__":
    sys.exit(main())

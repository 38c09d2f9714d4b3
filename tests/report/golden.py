"""The whole outputs that are kept: ``python -m tests.report.golden`` writes them anew.

Look at the difference before committing it: it is what people will see.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from orchestrator.report import render
from orchestrator.report.console import print_report
from orchestrator.report.escalation import escalation_page
from orchestrator.report.explain import explain
from orchestrator.report.paper import Plain
from orchestrator.verification.outcome import Report
from tests.report import samples

FOLDER = Path(__file__).parent / "golden"


def printed(report: Report) -> str:
    """What ``print_report`` prints where there is no terminal."""
    stream = io.StringIO()
    print_report(report, Plain(stream))
    return stream.getvalue()


def without_style(page: str) -> str:
    """An HTML page without its style sheet, which a golden file need not repeat."""
    return re.sub(r"<style>.*?</style>", "<style></style>", page, flags=re.DOTALL)


def outputs() -> dict[str, str]:
    """File name → whole output, for every form and kind of page."""
    return {
        "full.console.txt": printed(samples.FULL),
        "green.console.txt": printed(samples.GREEN),
        "full.json": render(samples.FULL, "json"),
        "full.junit.xml": render(samples.FULL, "junit"),
        "full.sarif": render(samples.FULL, "sarif"),
        "full.md": render(samples.FULL, "markdown", title="R-3: H-3"),
        "full.html": without_style(render(samples.FULL, "html", title="R-3: H-3")),
        "escalation.md": escalation_page(samples.PAGE, "markdown"),
        "escalation.html": without_style(escalation_page(samples.PAGE, "html")),
        "explain.txt": explain(samples.decision(samples.SLOW)) + "\n",
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in outputs().items():
        (FOLDER / name).write_text(text)

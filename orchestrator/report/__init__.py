"""Reports: one run, told to people, to CI and to programs. Decides nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.verification.outcome import Report

__all__ = ["FORMATS", "render"]

#: What ``verify --report`` takes besides ``console``.
FORMATS = ("json", "junit", "sarif", "markdown", "html")


def render(report: Report, format: str, *, title: str | None = None) -> str:
    """``report`` as text in one of ``FORMATS``; ``title`` for pages."""
    if format == "json":
        return json.dumps(report.grouped(), indent=2, ensure_ascii=False) + "\n"
    if format == "junit":
        from orchestrator.report.junit import junit

        return junit(report)
    if format == "sarif":
        from orchestrator.report.sarif import sarif

        return sarif(report)
    from orchestrator.report.contents import run_page
    from orchestrator.report.page import html, markdown

    blocks = run_page(report, title)
    if format == "markdown":
        return markdown(blocks)
    if format == "html":
        return html(title or f"Verification of {report.head[:12]}", blocks)
    raise ValueError(f"unknown report format {format!r}")

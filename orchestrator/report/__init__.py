"""Reports: one run, told to people, to CI and to programs. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.verification.outcome import Report

__all__ = ["FORMATS", "render"]

#: What ``verify --report`` takes besides ``console``.
FORMATS = ("json", "junit", "sarif", "markdown", "html", "github", "intoto")


def render(report: Report, format: str, *, title: str | None = None) -> str:
    """``report`` as text in one of ``FORMATS``; ``title`` for pages."""
    if format == "json":
        from orchestrator.report.text import json_text

        return json_text(report.grouped())
    if format == "junit":
        from orchestrator.report.junit import junit

        return junit(report)
    if format == "sarif":
        from orchestrator.report.sarif import sarif

        return sarif(report)
    if format == "github":
        from orchestrator.report.github import commands

        return commands(report)
    if format == "intoto":
        from orchestrator.report.text import json_text
        from orchestrator.verification.evidence import bind

        return json_text(bind(report))
    if format not in FORMATS:
        raise ValueError(f"unknown report format {format!r}")
    return _page(report, format, title or f"Verification of {report.head[:12]}")


def _page(report: Report, format: str, title: str) -> str:
    from orchestrator.report.contents import run_page

    if format == "markdown":
        from orchestrator.report.markdown import markdown

        return markdown(run_page(report, title))
    from orchestrator.report.html import html

    return html(title, run_page(report, title))

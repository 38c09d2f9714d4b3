"""Checks that are executed and reported, and decide nothing.

A check in *shadow* decides nothing at all until the configuration says
otherwise; one in *quarantine* is flaky, and its failures decide nothing until a
day. Both are rules, so in a coordinated run they are the base's. What cannot be
told stays untold: a quarantine never hides an errored check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from orchestrator.config.model import Verification
from orchestrator.plugins.spec import Outcome
from orchestrator.verification.outcome import CheckReport, Report

__all__ = ["by_configuration", "quarantined"]

_DAY = timedelta(days=1)


def by_configuration(check: CheckReport, rules: Verification, at: float) -> CheckReport:
    """``check`` marked where the configuration sets it aside at ``at`` (seconds since 1970)."""
    if check.id in rules.shadow and check.outcome is not Outcome.PASSED:
        return replace(check, shadow="in shadow")
    today = datetime.fromtimestamp(at, UTC)
    standing = {
        one.check: f"in quarantine until {one.until}: {one.reason}"
        for one in rules.quarantine.checks
        if today < _end_of(one.until)
    }
    return _set_aside(check, standing.get(check.id))


def quarantined(report: Report, standing: Mapping[str, str]) -> Report:
    """``report`` with the failures of quarantined checks set aside; check → why."""
    return replace(report, checks=tuple(_set_aside(c, standing.get(c.id)) for c in report.checks))


def _set_aside(check: CheckReport, why: str | None) -> CheckReport:
    flickers = check.outcome is Outcome.FAILED or check.flaky
    if why is None or check.shadow or check.preexisting or not flickers:
        return check
    return replace(check, shadow=why)


def _end_of(day: str) -> datetime:
    """The end of a day (``YYYY-MM-DD``) in UTC."""
    midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return midnight + _DAY

"""By which rules a run is judged, who is asked, and what is done in an emergency."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Approval", "EmergencyRule", "Escalation", "Level", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule. A shadow rule (``enforce`` false) is evaluated and only reported."""

    when: str
    enforce: bool = True


@dataclass(frozen=True, slots=True)
class Approval:
    """When a handoff is approved or sent back without anybody being asked."""

    auto: bool = True
    ownership: str = "warn"
    approve_when: str = (
        "report.failed == 0 && report.inconclusive == 0 && report.errored == 0 "
        "&& report.flaky == 0 && handoff.violations == 0"
    )
    reject_when: str = "report.failed > 0"
    max_attempts: int = 5
    approvers: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """One rung of the escalation ladder; times in seconds."""

    name: str
    notify: tuple[str, ...] = ()
    ack_within: float = 900.0
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Escalation:
    """What a human is asked. ``threshold`` names a preset of ``policy.verdict``."""

    threshold: str = "critical_failures_only"
    levels: tuple[Level, ...] = (Level("humans", ack_within=14400.0),)
    always_when: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class EmergencyRule:
    """What happens at once when ``when`` holds. Actions are names of ``policy.emergency``."""

    when: str
    do: tuple[str, ...]

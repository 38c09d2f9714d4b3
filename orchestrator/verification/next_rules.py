"""Would the rules still load once this candidate has landed?

A run judges under the base's rules, so a candidate that breaks the
configuration would otherwise pass, land, and stop every run after it. Reads
the candidate's checkout; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from orchestrator.config.load import PLACES, load
from orchestrator.config.model import Config
from orchestrator.config.problems import InvalidConfig, Problem, dotted
from orchestrator.plugins.spec import CheckResult, Finding, Outcome, Severity
from orchestrator.verification.rules import touches_policy

__all__ = ["CHECK", "next_rules"]

#: The id of the check.
CHECK = "configuration"


def next_rules(config: Config, changed: Iterable[str] | None, checkout: Path) -> CheckResult | None:
    """How the configuration in ``checkout`` loads; None where no change touches it.

    ``config`` is the one in force, ``changed`` are the candidate's paths.
    """
    source = PurePosixPath(config.source)
    if source.is_absolute() or not touches_policy(config, config.source, changed or ()):
        return None
    places = PLACES if config.source in PLACES else (config.source,)
    place = next((place for place in places if (checkout / place).is_file()), None)
    if place is None:
        return _failed([_absent(config.source)])
    try:
        load(checkout / place)
    except InvalidConfig as error:
        return _failed([_finding(place, problem) for problem in error.problems])
    return CheckResult(Outcome.PASSED)


def _failed(findings: list[Finding]) -> CheckResult:
    count = f"{len(findings)} problem{'' if len(findings) == 1 else 's'}"
    reason = f"{count} in the configuration: once landed, nothing could be verified any more"
    return CheckResult(Outcome.FAILED, reason, tuple(findings))


def _absent(source: str) -> Finding:
    message = "the configuration is gone"
    return Finding("config.absent", Severity.BREAKING, message, source, remedy="put it back")


def _finding(place: str, problem: Problem) -> Finding:
    where = dotted(problem.path)
    return Finding(
        f"config.{problem.code}",
        Severity.BREAKING,
        f"{where}: {problem.message}" if where else problem.message,
        place,
        problem.line,
        problem.hint or "orchestrate config check",
    )

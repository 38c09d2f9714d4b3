"""What becomes of a verified handoff: approved, sent back, or put before a human.

The order is ``reject_when``, ``always_when``, ``approve_when``, and where none
decides, a human. Three things no rule loosens: a rule that cannot be evaluated
never approves; a run in which something failed, errored or did not run is
never approved by rule; nor is a change of the rules themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.policy.clause import Clause, ask
from orchestrator.policy.flips import flips, shown

__all__ = ["THRESHOLDS", "Decision", "judge"]

#: Preset of ``escalation.threshold`` → what it does.
THRESHOLDS: Mapping[str, str] = {
    "critical_failures_only": "what a rule decides is done; only what no rule decides is asked",
    "every_failure": "a failed run is asked about instead of being sent back by rule",
    "never_silent": "nothing is approved by rule that had anything to say: dangerous or breaking "
    "findings, flaky, preexisting, waived or inconclusive checks",
}

#: Counts of a run that must be zero for a rule to approve it, whatever the rule says.
_UNPROVEN = ("failed", "errored", "not_run", "conflicts")
_UNTOUCHED = "handoff.touches_policy would have to be false"
#: Counts that speak up under ``never_silent``.
_SAYING = ("inconclusive", "breaking", "dangerous", "flaky", "preexisting", "waived")


@dataclass(frozen=True, slots=True)
class Decision:
    """``action`` is approve, reject or escalate.

    ``clause`` names what decided: ``reject_when``, ``always_when[0]``,
    ``approve_when``, ``only_passed``, ``touches_policy``, ``threshold``, ``auto``,
    or ``none`` when no rule did. ``errored``: a rule could not be evaluated. ``values`` maps the
    dotted names the clause used to their values; ``flips`` says what would have
    flipped it. ``trail`` holds every enforced clause, ``shadow`` those that are
    only reported.
    """

    action: str
    clause: str
    expression: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    flips: tuple[str, ...] = ()
    trail: tuple[Clause, ...] = ()
    shadow: tuple[Clause, ...] = ()
    errored: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; ``from_json`` is its inverse."""
        value = asdict(self)
        return {**value, **{key: list(value[key]) for key in ("flips", "trail", "shadow")}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Decision:
        clauses = {
            key: tuple(Clause.from_json(item) for item in value[key]) for key in ("trail", "shadow")
        }
        return cls(**{**value, **clauses, "flips": tuple(value["flips"])})


def judge(
    facts: Mapping[str, Any],
    *,
    auto: bool,
    approve_when: str,
    reject_when: str,
    always_when: Sequence[tuple[str, bool]] = (),
    threshold: str = "critical_failures_only",
    shadow: Sequence[str] = (),
) -> Decision:
    """Decide about a run from ``facts`` (see ``docs/reference/rules.md``).

    ``always_when`` are rules with whether each is enforced; ``shadow`` rules
    are only reported. Never raises for what a rule says.
    """
    reject = ask("reject_when", reject_when, facts)
    always = [
        (ask(f"always_when[{number}]", rule, facts), enforce)
        for number, (rule, enforce) in enumerate(always_when)
    ]
    approve = ask("approve_when", approve_when, facts)
    enforced = [clause for clause, enforce in always if enforce]
    decided = _decide(facts, reject, enforced, approve, threshold, auto)
    reported = [clause for clause, enforce in always if not enforce]
    reported += [ask(f"shadow[{number}]", rule, facts) for number, rule in enumerate(shadow)]
    return Decision(**decided, trail=(reject, *enforced, approve), shadow=tuple(reported))


def _decide(
    facts: Mapping[str, Any],
    reject: Clause,
    always: Sequence[Clause],
    approve: Clause,
    threshold: str,
    auto: bool,
) -> dict[str, Any]:
    """The decision without its trail: the first clause in order that has something to say."""
    for clause in (reject, *always, approve):
        if clause.result is None:
            return _errored(clause)
        if clause is reject and clause.result:
            return _rejected(facts, clause, threshold)
        if clause is not approve and clause.result:
            return _by(clause, "escalate", facts, f"{clause.name} holds: {_values(clause)}")
    if not approve.result:
        return _undecided(facts, approve)
    return _stopped(facts, threshold, auto) or _by(
        approve, "approve", facts, "approve_when holds and nothing else objects"
    )


def _by(clause: Clause, action: str, facts: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """A clause that holds decides."""
    return {
        "action": action,
        "clause": clause.name,
        "expression": clause.expression,
        "reason": reason,
        "values": clause.values,
        "flips": tuple(flips(clause.expression, facts, wanted=False)),
    }


def _rejected(facts: Mapping[str, Any], clause: Clause, threshold: str) -> dict[str, Any]:
    if threshold == "every_failure":
        reason = f"reject_when holds, and the threshold every_failure asks: {_values(clause)}"
        return _by(clause, "escalate", facts, reason) | {"clause": "threshold"}
    return _by(clause, "reject", facts, f"reject_when holds: {_values(clause)}")


def _undecided(facts: Mapping[str, Any], approve: Clause) -> dict[str, Any]:
    missing = tuple(flips(approve.expression, facts, wanted=True))
    why = "; ".join(missing) or f"`{approve.expression}` is false: {_values(approve)}"
    reason = f"no rule decides; approve_when does not hold: {why}"
    if facts.get("handoff", {}).get("touches_policy"):
        # Whoever is asked about one thing must not allow the other unseen.
        reason += "; and it changes the rules"
        missing = (*missing, _UNTOUCHED)
    return {**_by(approve, "escalate", facts, reason), "clause": "none", "flips": missing}


def _errored(clause: Clause) -> dict[str, Any]:
    return {
        "action": "escalate",
        "clause": clause.name,
        "expression": clause.expression,
        "reason": f"{clause.name} could not be evaluated: {clause.problem}",
        "values": clause.values,
        "errored": True,
    }


def _stopped(facts: Mapping[str, Any], threshold: str, auto: bool) -> dict[str, Any] | None:
    """What stands in the way of an approval by rule, or None."""
    unproven = _counts(facts, _UNPROVEN)
    if unproven:
        reason = "approve_when holds, but only what passed is approved by rule"
        return _asked("only_passed", reason, unproven)
    if facts.get("handoff", {}).get("touches_policy"):
        reason = "approve_when holds, but a change of the rules is never approved by rule"
        decided = _asked("touches_policy", reason, {})
        return {**decided, "flips": (_UNTOUCHED,)}
    saying = _counts(facts, _SAYING) if threshold == "never_silent" else {}
    if saying:
        return _asked(
            "threshold", "approve_when holds, and the threshold never_silent asks", saying
        )
    if not auto:
        decided = _asked("auto", "approve_when holds; approval.auto is off, so it is asked", {})
        return {**decided, "flips": ("approval.auto would have to be true",)}
    return None


def _asked(clause: str, reason: str, values: Mapping[str, int]) -> dict[str, Any]:
    said = _listed(values)
    return {
        "action": "escalate",
        "clause": clause,
        "expression": "",
        "reason": f"{reason}: {said}" if said else reason,
        "values": values,
        "flips": tuple(f"{name} would have to be 0 (it is {n})" for name, n in values.items()),
    }


def _counts(facts: Mapping[str, Any], names: Iterable[str]) -> dict[str, int]:
    """Those of the report's counts that are not zero."""
    report = facts.get("report", {})
    return {f"report.{name}": report[name] for name in names if report.get(name)}


def _values(clause: Clause) -> str:
    return _listed(clause.values) or f"`{clause.expression}`"


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {shown(value)}" for name, value in values.items())

"""The check of one contract, the same for every kind: sound, samples valid, promise kept.

Reads the versions, asks the kind, and puts what it says together. What could
not be read, decided or compared is said and never taken for a yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from orchestrator.git import Git, GitError
from orchestrator.plugins.builtin.contracts import blessings, modes, samples
from orchestrator.plugins.builtin.contracts.documents import Unreadable, line_of
from orchestrator.plugins.builtin.contracts.history import history
from orchestrator.plugins.builtin.contracts.kinds import (
    WITH_MODEL,
    Absent,
    Asked,
    CannotTell,
    Kind,
    Undecided,
    Unusable,
    kind,
)
from orchestrator.plugins.builtin.contracts.trees import Recorded
from orchestrator.plugins.builtin.contracts.verdict import (
    Part,
    broken,
    combined,
    unclear,
    undecided,
)
from orchestrator.plugins.builtin.contracts.versions import (
    Version,
    at_commit,
    given,
    in_folder,
    kept,
    shallow,
)
from orchestrator.plugins.spec import CheckContext, CheckResult, Finding, Json, Outcome, Severity

__all__ = ["execute"]

Spec = Mapping[str, Json]
#: Kept versions compared with at most; beyond, it could not be told.
_MOST_KEPT = 200


def execute(spec: Spec, context: CheckContext) -> CheckResult:
    """Check; never raises for what the files contain.

    With ``old`` and ``new`` in the spec, these two versions are compared, whatever
    the base is; with ``history``, the versions the base has kept are listed.
    """
    if "history" in spec and "old" not in spec:
        return history(spec, context, execute)
    try:
        return combined(_Job(spec, context).parts())
    except CannotTell as error:
        return combined([unclear(Outcome.ERRORED, str(error))])


class _Job:
    """One check: its contract, its kind, and the candidate once it is read."""

    def __init__(self, spec: Spec, context: CheckContext) -> None:
        self._spec = spec
        self._context = context
        self._contract: Mapping[str, Json] = spec["contract"]
        self._kind: Kind = kind(self._contract["kind"])
        self._new: Any = None  # what the kind made of the candidate
        self._content: bytes | None = None
        self._seeds: list[Json] = []
        self._known: dict[tuple[str, str] | None, tuple[Any, Recorded]] = {}

    def parts(self) -> Iterator[Part]:
        """How each part of the check ended."""
        named = self._spec.get("new")
        candidate = (
            given(named, self._context)
            if named
            else in_folder(self._context.checkout, self._contract["path"])
        )
        try:
            self._new, recorded = self._load(candidate)
        except (Unusable, Unreadable) as error:
            yield self._unusable(error)
            return
        self._content = recorded.seen.get(self._contract["path"])
        yield self._about(recorded)
        yield self._samples()
        yield from self._comparisons(recorded.identity)

    def _load(self, version: Version) -> tuple[Any, Recorded]:
        """What the kind makes of a version, and what it read; each commit is read once."""
        key = None if version.commit is None else (version.commit, version.path)
        if key not in self._known:
            recorded = Recorded(version.tree)
            whole = replace(version, tree=recorded)
            read = self._kind.load(whole, self._contract, self._context), recorded
            if key is None:
                return read
            self._known[key] = read
        return self._known[key]

    def _about(self, recorded: Recorded) -> Part:
        keys = ["kind", "compatibility"]
        keys += ["content_model"] if self._contract["kind"] in WITH_MODEL else []
        keys += ["direction"] if self._kind.HAS_DIRECTION else []
        named = {key: self._contract[key] for key in keys}
        made_of = {"version": recorded.identity, "files": sorted(recorded.seen)[:100]}
        return Part(data={**named, **made_of, **self._kind.about(self._new)})

    def _unusable(self, error: Unusable | Unreadable) -> Part:
        """The candidate cannot be used: its author has to mend it."""
        findings = error.findings if isinstance(error, Unusable) else (self._unreadable(error),)
        if isinstance(error, Absent) and self._base_has_it():
            gone = f"the file of contract {self._contract['name']} was deleted"
            findings = tuple(replace(finding, message=gone) for finding in findings)
        part = broken(*(self._placed(finding) for finding in findings))
        if "new" in self._spec:  # two versions were to be compared, and were not
            return replace(part, outcome=Outcome.ERRORED)
        return part

    def _base_has_it(self) -> bool:
        base = self._context.base
        if base is None or "new" in self._spec:
            return False
        git = Git(Path(self._context.checkout))
        if git.commit(base) is None:
            return False
        return not self._is_absent(at_commit(git, base, self._contract["path"], "base"))

    def _unreadable(self, error: Unreadable) -> Finding:
        return Finding(
            rule="contract.unreadable",
            severity=Severity.BREAKING,
            message=f"the contract cannot be read: {error.message}",
            file=self._contract["path"],
            line=error.line,
            remedy="write valid JSON, or YAML in a file that ends in .yaml",
        )

    def _samples(self) -> Part:
        pattern = self._contract.get("samples")
        if pattern is None:
            return Part()
        found, unreadable = samples.find(self._context.checkout, pattern)
        self._seeds = [sample.payload for sample in found]
        return samples.check(self._kind, self._new, found, unreadable, pattern)

    def _comparisons(self, identity: str) -> Iterator[Part]:
        direction = self._contract["direction"] if self._kind.HAS_DIRECTION else "both"
        demanded = modes.demands(self._contract["compatibility"], direction)
        if not demanded:
            return
        try:
            earlier, blessed, part = self._earlier(identity)
        except GitError as error:
            yield unclear(Outcome.ERRORED, f"earlier versions cannot be read: {error.message}")
            return
        yield part
        for version in earlier:
            for demand in demanded:
                compared = self._compared(version, demand, blessed)
                yield compared
                if compared.outcome is Outcome.ERRORED:
                    return

    def _earlier(self, identity: str) -> tuple[list[Version], blessings.Blessing | None, Part]:
        """What to compare with, whether the candidate is blessed, and what is to be said of it."""
        if "old" in self._spec:
            return [given(self._spec["old"], self._context)], None, Part()
        if self._context.base is None:
            return [], None, Part(data={"compared_with": []})
        git = Git(Path(self._context.checkout))
        if git.commit(self._context.base) is None:
            raise GitError(f"the base {self._context.base} is not here")
        base = at_commit(git, self._context.base, self._contract["path"], "base")
        content = base.tree.read(blessings.place(self._context.config, self._contract["name"]))
        try:
            known = blessings.read(content)
        except ValueError as error:
            return [], None, unclear(Outcome.ERRORED, f"the blessings at the base: {error}")
        if self._is_absent(base):
            return [], None, self._is_new()
        blessed = known.get(identity)
        if blessed is not None and blessed.after != self._identity(base):
            blessed = None  # accepted in place of another version
        starts = known.keys() - ({identity} if blessed is None else set())
        versions, trouble = self._with_kept(git, base, starts, identity)
        data = {"compared_with": [version.label for version in versions]}
        return versions, blessed, replace(trouble, data=data)

    def _identity(self, version: Version) -> str:
        """The identity of a version; empty where it cannot be used."""
        try:
            return self._load(version)[1].identity
        except (Unusable, Unreadable):
            return ""

    def _is_absent(self, base: Version) -> bool:
        try:
            self._load(base)
        except Absent:
            return True
        except (Unusable, Unreadable):
            return False
        return False

    def _is_new(self) -> Part:
        new = Finding(
            rule="contract.new",
            severity=Severity.NOTICE,
            message=f"contract {self._contract['name']} is new; there is no version to compare "
            "it with",
            file=self._contract["path"],
        )
        return Part(findings=(new,), data={"compared_with": []})

    def _with_kept(
        self, git: Git, base: Version, starts: Set[str], identity: str
    ) -> tuple[list[Version], Part]:
        """The base's version and, in a transitive mode, those kept since the last new start."""
        if not modes.is_transitive(self._contract["compatibility"]):
            return [base], Part()
        if shallow(git):
            reason = "the history is cut off, so the kept versions are not all known: git fetch"
            return [base], unclear(Outcome.ERRORED, f"{reason} --unshallow")
        versions, seen = [base], {identity}
        files = self._files(base, seen)
        if seen & starts:
            return versions, Part()
        for version in islice(kept(git, str(base.commit), self._contract["path"], files), 1, None):
            if len(versions) >= _MOST_KEPT:
                reason = f"more than {_MOST_KEPT} versions are kept; bless one as a new start"
                return versions, unclear(Outcome.INCONCLUSIVE, reason)
            before = len(seen)
            self._files(version, seen)
            if len(seen) > before:
                versions.append(version)
                if seen & starts:
                    break
        return versions, Part()

    def _files(self, version: Version, seen: set[str]) -> list[str]:
        """What a version is made of; adds its identity to ``seen``. Unusable ones count not."""
        try:
            _, recorded = self._load(version)
        except (Unusable, Unreadable):
            return []
        seen.add(recorded.identity)
        return sorted(recorded.seen)

    def _compared(self, version: Version, demand: str, blessed: blessings.Blessing | None) -> Part:
        try:
            old, _ = self._load(version)
        except (Unusable, Unreadable) as error:
            reason = f"the version to compare with ({version.label}) cannot be read: {error}"
            return unclear(Outcome.INCONCLUSIVE, reason)
        asked = Asked(demand, self._contract, self._context, self._seeds)
        findings: list[Finding] = []
        open_: list[Undecided] = []
        for found in self._kind.compare(old, self._new, asked):
            if isinstance(found, Undecided):
                open_.append(found)
            else:
                findings.append(self._about_version(found, version, blessed))
        part = broken(*findings)
        unseen = {"not_examined": self._unseen(old)}
        if open_ and part.outcome is Outcome.PASSED:
            told = undecided(open_, version.label)
            return replace(told, findings=tuple(findings), data={**told.data, **unseen})
        more = undecided(open_, version.label).data if open_ else {}
        return replace(part, data={**more, **unseen})

    def _unseen(self, old: Any) -> list[str]:
        """The surfaces no rule looks at that either version has: what went with one is unseen."""
        sides = (self._kind.about(side)["not_examined"] for side in (old, self._new))
        return list(dict.fromkeys(name for side in sides for name in side))

    def _about_version(
        self, finding: Finding, version: Version, blessed: blessings.Blessing | None
    ) -> Finding:
        """The finding with what it was compared with; accepted where the candidate is blessed."""
        evidence = {**finding.evidence, "compared_with": version.label}
        message = finding.message
        if version.label not in ("base", self._spec.get("old", {}).get("label")):
            message = f"compared with {version.label}: {message}"
        severity = finding.severity
        if blessed is not None and severity is Severity.BREAKING:
            severity = Severity.NOTICE
            evidence["blessed"] = {"by": blessed.by, "reason": blessed.reason, "at": blessed.at}
            message = f"{message} (accepted by {blessed.by}: {blessed.reason})"
        placed = self._placed(finding)
        return replace(placed, message=message, severity=severity,
                       evidence={**placed.evidence, **evidence})  # fmt: skip

    def _placed(self, finding: Finding) -> Finding:
        """The finding with its file, its line, and who is affected."""
        affected = {name: list(self._spec.get(name, ())) for name in ("consumers", "producers")}
        line, pointer = finding.line, finding.evidence.get("pointer")
        if line is None and isinstance(pointer, str) and finding.file is None:
            line = line_of(self._content, pointer)
        evidence = {**affected, **finding.evidence}
        path = finding.file or self._contract["path"]
        return replace(finding, file=path, line=line, evidence=evidence)

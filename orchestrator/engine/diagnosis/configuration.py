"""The configuration: whether it loads, and which choices it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from orchestrator.config.load import effective
from orchestrator.config.model import Config
from orchestrator.engine.diagnosis.finding import Finding
from orchestrator.git import Repository

__all__ = ["probe"]


def probe(repository: Repository) -> Iterator[Finding]:
    found = effective(repository)
    config = found.config
    yield Finding("configuration", "ok", f"{config.source}, {found.origin}")
    yield _branch(repository, config)
    yield _choice(
        "automatic approval", config.approval.auto, "by the rules of the configuration",
        "every handoff asks a human", "approval: {auto: true}",
    )  # fmt: skip
    ownership = f"{config.approval.ownership} on files of others"
    strict, how = config.approval.ownership != "warn", "approval: {ownership: ask} or deny"
    yield _choice("ownership", strict, ownership, ownership, how)
    yield from _notifications(config)
    views = config.status.views
    on = [one.name for one in fields(views) if getattr(views, one.name)]
    how = "status: {views: {work_registry: true}} and others"
    yield _choice("views for scripts", bool(on), ", ".join(on), "none is written", how)


def _branch(repository: Repository, config: Config) -> Finding:
    branch = config.coordinator.integration_branch
    if repository.git.commit(f"refs/heads/{branch}") is not None:
        return Finding("integration branch", "ok", branch)
    hint = f"commit something on {branch}, or change coordinator.integration_branch"
    return Finding("integration branch", "broken", f"{branch} does not exist", hint)


def _choice(subject: str, on: bool, yes: str, no: str, how: str) -> Finding:
    return Finding(subject, "ok", yes) if on else Finding(subject, "off", no, how)


def _notifications(config: Config) -> Iterator[Finding]:
    if config.notify:
        words = "this version sends none: what would be told is in the log"
        yield Finding("notifications", "broken", words, "orchestrate log --follow")
    else:
        yield Finding("notifications", "off", "nobody is named", "notify: {team: …}")

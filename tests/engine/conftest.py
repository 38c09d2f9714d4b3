"""A small project with three worktrees, and helpers that act as its instances would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.coordination.callers import Caller
from orchestrator.engine.handoff import Ready, assign, ready
from orchestrator.engine.notes import FIELDS
from orchestrator.engine.project import Project
from orchestrator.engine.watch import watch
from orchestrator.store.port import Row
from orchestrator.verification.progress import Silent
from tests.conftest import MakeRepo, commit, git

CONFIG = """\
version: 1
project: shop
coordinator: {instance: coordinator, monitoring_interval: 1s}
instances:
  coordinator: {role: INTEGRATION_COORDINATION, file_patterns: ["docs/**"]}
  backend:
    role: BACKEND_DEVELOPMENT
    file_patterns: ["src/**"]
    layers: [code]
    hands_off_to: frontend
    worktree: ../backend
  frontend: {role: FRONTEND_DEVELOPMENT, file_patterns: ["ui/**"], worktree: ../frontend}
layers:
  code:
    paths: ["src/**"]
    checks: [{name: sound, run: "! grep -q broken src/app.txt"}]
verification: {parallel: 1, budget: 60s}
"""

NOTES = {field: f"About {field.lower()}." for field in FIELDS}


@dataclass
class Shop:
    """The project and its folders: ``main`` and one worktree an instance."""

    main: Path
    project: Project

    def worktree(self, instance: str) -> Path:
        return self.main.parent / instance

    def reopen(self) -> None:
        """Read the configuration again, as a new process would."""
        self.project.store.close()
        self.project = Project.open(self.main)

    def at(self, instance: str) -> Project:
        return Project.open(self.worktree(instance))

    def caller(self, instance: str) -> Caller:
        return Caller(instance, human=False)

    def assign(self, instance: str = "backend", task: str = "add a thing") -> Row:
        return assign(self.project, Caller("human:ada", human=True), instance, task)

    def work(self, files: dict[str, str | None], instance: str = "backend") -> str:
        """Commit in the instance's worktree."""
        return commit(self.worktree(instance), files, f"work of {instance}")

    def ready(self, instance: str = "backend", ref: str = "HEAD") -> Ready:
        project = self.at(instance)
        try:
            return ready(project, self.caller(instance), instance, ref=ref, notes=NOTES)
        finally:
            project.store.close()

    def hand_off(self, files: dict[str, str | None], instance: str = "backend") -> str:
        """Assign, commit, mark ready; the handoff's id."""
        if self.state(instance) == "STANDBY":
            self.assign(instance)
        self.work(files, instance)
        return str(self.ready(instance).handoff["id"])

    def watch(self) -> None:
        """Run the watch until nothing is left to do."""
        watch(self.project, Silent(), once=True)

    def state(self, instance: str = "backend") -> str:
        row = self.row("instances", instance)
        return str(row["state"])

    def row(self, table: str, name: str) -> Row:
        row = self.project.store.read(lambda reader: reader.get(table, id=name))
        assert row is not None, f"no {name} in {table}"
        return row

    def rows(self, table: str, **where: str) -> list[Row]:
        return self.project.store.read(lambda reader: reader.find(table, where))

    def moves(self, instance: str = "backend") -> list[str]:
        """The lifecycle events of an instance, in order."""
        events = self.project.store.events(where={"instance": instance})
        kinds = [event["kind"] for event in events]
        return [kind.split(".")[1] for kind in kinds if kind.startswith("instance.")]

    def head(self) -> str:
        return git(self.main, "rev-parse", "main")

    def landed(self, path: str) -> str:
        """A file's content on the integration branch."""
        return git(self.main, "show", f"main:{path}")


@pytest.fixture
def shop(make_repo: MakeRepo) -> Iterator[Shop]:
    files: dict[str, str | None] = {
        "config/orchestrate.yaml": CONFIG,
        "src/app.txt": "sound\n",
        "ui/page.txt": "page\n",
    }
    main = make_repo(files, "main")
    for name in ("backend", "frontend"):
        git(main, "worktree", "add", "-q", "-b", name, str(main.parent / name))
    shop = Shop(main, Project.open(main))
    yield shop
    shop.project.store.close()

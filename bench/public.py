"""Somebody else's code: releases of real projects, set up by ``init``, against their changelogs.

``./dev bench public`` (only when it is named: it downloads source archives with pip). A
wheel of this repository is installed into an environment of its own and used as a newcomer
would: ``init``, commit, the next release on a branch, ``verify`` twice, one handoff. Every
entry of the changelog that may break a caller is in ``bench.releases``, in our words.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.releases import RELEASES, Entry, Release
from bench.row import Row

__all__ = ["measure"]

_ROOT = Path(__file__).parents[1]
_OURS = ("config", "verification", "plugins", "status")
_NOTES = "".join(f"## {heading}\n\nThe next release, as published.\n\n" for heading in (
    "What changed", "Why", "How to verify", "Known risks", "What the target must do"))  # fmt: skip
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Newcomer"), ("EMAIL", "newcomer@example.com"))
}


def measure() -> Iterator[Row]:
    """Whole processes; ``PUBLIC_KEEP=DIR`` leaves everything there to look at."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("PUBLIC_KEEP", name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        orchestrate = _installed(folder)
        for release in RELEASES:
            archives = _archives(release, folder)
            if orchestrate is None or archives is None:
                yield Row(release.title, 0, "", None, "no registry is reachable: not measured")
                continue
            yield from _Trial(release, folder / release.name, orchestrate, archives).rows()


def _installed(folder: Path) -> Path | None:
    """``orchestrate`` from a wheel of this tree, in a fresh environment."""
    place = folder / "environment"
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "build"]
    steps = [
        [*build, "--wheel", "--no-isolation", "-o", str(wheels), str(_ROOT)],
        [sys.executable, "-m", "venv", "--clear", str(place)],
    ]
    if not all(_quiet(step) for step in steps):
        return None
    pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet"]
    made = [str(path) for path in wheels.glob("*.whl")]
    return place / "bin/orchestrate" if _quiet([*pip, *made]) else None


def _archives(release: Release, folder: Path) -> list[Path] | None:
    """The extracted source archives of both versions; None where pip gets none."""
    found = []
    for version in (release.old, release.new):
        there = folder / f"{release.name}-{version}"
        if not there.is_dir():
            source = [f"{release.name}=={version}", "--no-binary", ":all:", "--no-deps"]
            if not _quiet([sys.executable, "-m", "pip", "download", *source, "-d", str(folder)]):
                return None
            [archive] = folder.glob(f"{release.name}-{version}.tar.gz")
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        found.append(there)
    return found


def _quiet(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class _Trial:
    """One project, from an empty repository to the verdict on its next release."""

    def __init__(self, release: Release, repo: Path, tool: Path, archives: list[Path]) -> None:
        self.release, self.repo, self.tool, self.archives = release, repo, tool, archives
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "VIRTUAL"))}
        path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**inherited, **_IDENTITY, "PATH": path}

    def rows(self) -> Iterator[Row]:
        self._set_up()
        self._next_release()
        first, seconds = self._verify()
        again, second = self._verify()
        findings = [
            finding
            for check in again
            if check["id"] == self.contract
            for finding in check["result"]["findings"]
        ]
        table, found, missed, unknown = _compared(self.release.entries, findings)
        Console(width=140).print(table)
        title, of = self.release.title, found + missed
        share = 100 * found / of
        yield Row(f"{title}: found", share, "%", None, f"{found} of {of} entries a name shows")
        note = f"{len(findings)} findings; {unknown} are in no entry"
        yield Row(f"{title}: findings to look at", unknown, "", 0, note)
        yield Row(f"{title}: first run", seconds, "s", None, _outcomes(first))
        replayed = sum(bool(check.get("cached_from")) for check in again)
        yield Row(f"{title}: second run", second, "s", None, f"{replayed} replayed")
        state, spent = self._handoff()
        yield Row(f"{title}: handoff", spent, "s", None, f"the developer is {state}")

    @property
    def contract(self) -> str:
        return f"contracts/{self.release.name}"

    def _set_up(self) -> None:
        """The old release, ``init`` and what a newcomer adds: a ratchet and a benchmark."""
        shutil.rmtree(self.repo, ignore_errors=True)
        shutil.copytree(self.archives[0], self.repo)
        self._git("init", "-q", "-b", "main")
        self._git("add", "-A")
        self._git("commit", "-q", "-m", self.release.old)
        self._run(str(self.tool), "init")
        config = self.repo / "config/orchestrate.yaml"
        text = config.read_text().replace("        timeout: 10m\n", _RATCHET, 1)
        run = _BENCHMARK.replace("PACKAGE", self.release.name)
        config.write_text(text.replace("# benchmarks:\n", run, 1))
        self._run(str(self.tool), "config", "check")
        self._git("add", *_OURS)
        self._git("commit", "-q", "-m", "Coordinate with orchestrate")

    def _next_release(self) -> None:
        self._run(str(self.tool), "assign", "developer", "--task", f"Release {self.release.new}")
        self._git("switch", "-q", "-c", "release")
        for path in self.repo.iterdir():
            if path.name not in (*_OURS, ".git"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.archives[1], self.repo, dirs_exist_ok=True)
        self._git("add", "-A")
        self._git("commit", "-q", "-m", self.release.new)

    def _verify(self) -> tuple[list[dict[str, Any]], float]:
        start = time.perf_counter()
        pages = ["--report", "html", "--output", str(self.repo.with_suffix(".html"))]
        text = self._run(str(self.tool), "verify", "--since", "main", "--json", *pages, fails=True)
        spent = time.perf_counter() - start
        families = json.loads(text)["results"].values()
        return [check for one in families for check in one["checks"]], spent

    def _handoff(self) -> tuple[str, float]:
        notes = self.repo.with_suffix(".md")
        notes.write_text(_NOTES)
        start = time.perf_counter()
        self._run(str(self.tool), "ready", "--instance", "developer", "--notes", str(notes))
        self._run(str(self.tool), "watch", "--once", "--plain", fails=True)
        status = json.loads(self._run(str(self.tool), "status", "--json"))
        return str(status["instances"]["developer"]["state"]), time.perf_counter() - start

    def _git(self, *words: str) -> str:
        return self._run("git", *words)

    def _run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(command, cwd=self.repo, env=self.environment, text=True,
                              capture_output=True, check=False)  # fmt: skip
        if done.returncode and not fails:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout


_RATCHET = "        timeout: 10m\n    ratchets: [tests.total]\n"
_BENCHMARK = """\
benchmarks:
  import:
    layer: package
    run: ".venv/bin/python -c 'import time; t = time.process_time(); import PACKAGE; print({\\"seconds\\": time.process_time() - t})'"
    max_regression: 25%
    time_limit: 30s

# benchmarks:
"""  # noqa: E501


def _compared(
    entries: Sequence[Entry], findings: Sequence[dict[str, Any]]
) -> tuple[Table, int, int, int]:
    """The table; how many entries with a pattern were found and missed; findings of no entry."""
    table = Table("entry of the changelog", "found", "by")
    messages = [str(finding["message"]) for finding in findings]
    explained: set[str] = set()
    found = missed = 0
    for entry in entries:
        hits = [message for message in messages if entry.matches(message)]
        explained |= set(hits)
        if entry.listed and entry.shows:
            found, missed = found + bool(hits), missed + (not hits)
        answer = "yes" if hits else ("no" if entry.shows else "–")
        by = f"{len(hits)}: {hits[0]}" if hits else entry.why
        table.add_row(entry.words if entry.listed else f"(not listed) {entry.words}", answer, by)
    rest = [message for message in messages if message not in explained]
    for message in rest:
        table.add_row("(in no entry)", "?", message)
    return table, found, missed, len(rest)


def _outcomes(checks: Sequence[dict[str, Any]]) -> str:
    return ", ".join(
        f"{check['id'].rpartition('/')[2]} {check['result']['outcome']}" for check in checks
    )

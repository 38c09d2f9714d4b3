"""How runs are done, what is measured, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Benchmark", "Cache", "Evidence", "Prepare", "Quarantine", "SetAside", "Verification"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One measured command. ``max_regression`` is a share, ``budget`` seconds.

    ``measure`` is wall (unless the command tells its own figures) or cpu.

    ``min_pairs``/``max_pairs`` bound the paired runs, ``time_limit`` the whole
    measurement in seconds.
    """

    name: str
    run: str
    layer: str | None = None
    measure: str = "wall"
    max_regression: float = 0.05
    budget: float | None = None
    min_pairs: int = 6
    max_pairs: int = 200
    time_limit: float = 60.0
    timeout: float = 60.0


@dataclass(frozen=True, slots=True)
class Prepare:
    """A command that makes a checkout usable; skipped while its files are unchanged."""

    run: str
    when_changed: tuple[str, ...] = ()
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class SetAside:
    """A check whose failures decide nothing until the end of a day (``YYYY-MM-DD``, UTC)."""

    check: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Flaky checks that are set aside for a while: by hand, and by a rule for ``lasts`` seconds."""

    when: str | None = None
    lasts: float = 7 * 86400.0
    checks: tuple[SetAside, ...] = ()


@dataclass(frozen=True, slots=True)
class Cache:
    """Whether verdicts are remembered: at most ``size`` bytes of them, ``max_age`` seconds long."""

    enabled: bool = True
    size: int = 100_000_000
    max_age: float = 604800.0


@dataclass(frozen=True, slots=True)
class Verification:
    """How runs are done. ``budget`` is seconds for one whole run."""

    budget: float = 900.0
    parallel: int = 2
    fail_fast: bool = False
    plugins: tuple[str, ...] = ()
    prepare: tuple[Prepare, ...] = ()
    keep: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()
    quarantine: Quarantine = field(default_factory=Quarantine)
    cache: Cache = field(default_factory=Cache)


@dataclass(frozen=True, slots=True)
class Evidence:
    """``sign_with`` is the SSH key evidence is signed with, or ``git`` for the one git signs with.

    ``allowed_signers`` is the file that says whose signatures count.
    """

    sign_with: str | None = None
    allowed_signers: str | None = None

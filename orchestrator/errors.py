"""What can go wrong in expected ways, and how a command's exit status says so.

Every class has a code, a docstring that is its default message, and a section
in ``docs/reference/errors.md``. Expected trouble is printed as ``code message``
with a hint and never as a traceback. Imports nothing: the hook path uses it.
"""

__all__ = ["EXIT", "OrchestrateError", "UsageError"]

#: Exit statuses of every command. Documented in ``docs/reference/exit-codes.md``.
EXIT: dict[str, int] = {
    "ok": 0,
    "failed": 1,
    "usage": 2,
    "unknown": 3,
    "held": 10,
    "expired": 11,
    "conflict": 12,
    "stale": 13,
}


class OrchestrateError(Exception):
    """Something went wrong in a way orchestrate knows about.

    ``message`` says what happened, ``where`` (optional) at which place, and
    ``hint`` (optional) what to do about it. Subclasses set ``code`` and
    ``exit_status``.
    """

    code = "E000"
    exit_status = EXIT["usage"]

    def __init__(
        self, message: str | None = None, *, hint: str | None = None, where: str | None = None
    ) -> None:
        default = (type(self).__doc__ or "").strip().splitlines()[0]
        self.message = message or default
        self.hint = hint
        self.where = where
        super().__init__(self.message)


class UsageError(OrchestrateError):
    """The command was called in a way it does not understand."""

    code = "E001"

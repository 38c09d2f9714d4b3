"""The neutral words between clients and actions: what is asked, what is answered.

Plain classes, because the modules that make better ones cost more than the hook.
"""

__all__ = ["EDITS", "Answer", "Request"]

#: Tools that write one file, in the words of Claude Code; adapters translate theirs.
EDITS = ("Write", "Edit", "MultiEdit", "NotebookEdit")


class Request:
    """One event of a client.

    ``event`` and ``tool`` are in Claude Code's words. ``path`` is the file an edit
    writes or a read read, as the client wrote it; ``call`` the client's id of a tool
    call; ``pid`` the client's process; ``raw`` the whole payload as text.
    ``at`` is when the hook began, in ms since the epoch.
    """

    __slots__ = (
        "agent", "at", "call", "client", "command", "cwd", "event", "path", "pid", "raw", "session",
        "stop_active", "tool",
    )  # fmt: skip

    def __init__(
        self,
        client: str,
        event: str = "",
        session: str = "",
        agent: str | None = None,
        cwd: str | None = None,
        tool: str | None = None,
        path: str | None = None,
        command: str | None = None,
        call: str | None = None,
        stop_active: bool = False,
        pid: int | None = None,
        raw: str = "",
    ) -> None:
        self.client, self.event, self.session, self.agent = client, event, session, agent
        self.cwd, self.tool, self.path, self.command = cwd, tool, path, command
        self.call, self.stop_active, self.pid, self.raw = call, stop_active, pid, raw
        self.at: int = 0

    @property
    def guards(self) -> bool:
        """Whether the answer decides if a file is written: then *unknown* means no."""
        return self.event == "PreToolUse" and self.tool in EDITS

    @property
    def member(self) -> str:
        """The row of ``sessions`` this is: the session's, or its sub-agent's."""
        return f"{self.session}/{self.agent}" if self.agent else self.session


class Answer:
    """What the client is told. ``kind``:

    ``ok`` go on · ``deny`` the tool call does not happen · ``ask`` the user decides ·
    ``context`` go on, and the model reads ``text`` · ``block`` go on working, because of
    ``text`` · ``notice`` go on, the user reads ``text`` · ``path`` the made worktree ·
    ``fail`` refused, because nobody could tell.
    """

    __slots__ = ("kind", "text")

    def __init__(self, kind: str = "ok", text: str = "") -> None:
        self.kind, self.text = kind, text

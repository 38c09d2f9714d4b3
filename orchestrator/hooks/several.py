"""One event of a client that stands for several requests: a patch of many files, news after a tool.

All or nothing: where one file of a patch is refused, what was taken for the others is
given back, as after a call that failed.
"""

from orchestrator.hooks.foreign import copied
from orchestrator.hooks.place import Place
from orchestrator.hooks.request import Answer, Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Decide = Callable[[Request, Place], Answer]

__all__ = ["answer"]

_FINAL = ("deny", "ask", "fail", "block")


def answer(requests: "list[Request]", place: Place, decide: "Decide") -> Answer:
    """The first answer that stops something, else all that there is to say."""
    told: list[Answer] = []
    for number, request in enumerate(requests):
        found = decide(request, place)
        if found.kind in _FINAL:
            _give_back(requests[:number], place, decide)
            return found
        if found.text:
            told.append(found)
    if not told:
        return Answer()
    kind = "context" if any(one.kind == "context" for one in told) else told[0].kind
    return Answer(kind, "\n".join(one.text for one in told))


def _give_back(taken: "list[Request]", place: Place, decide: "Decide") -> None:
    """As if these calls had been made and failed: nothing was written."""
    for request in taken:
        if request.guards:
            decide(copied(request, event="PostToolUseFailure"), place)

"""The files that a patch of ``apply_patch`` names."""

__all__ = ["BEGIN", "paths"]

BEGIN = "*** Begin Patch"
_HEADERS = ("*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: ")


def paths(patch: str) -> "list[str]":
    """Every file the patch adds, changes, removes or moves to, each once, in its order.

    A header may be indented, as the client allows. So a line of context that looks like
    one counts too: better a lease too many than a file written without.
    """
    found: dict[str, None] = {}
    for line in patch.splitlines():
        text = line.strip()
        for header in _HEADERS:
            name = text.removeprefix(header).strip()
            if text.startswith(header) and name:
                found[name] = None
    return list(found)

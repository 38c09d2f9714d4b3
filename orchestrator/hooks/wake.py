"""Wakes an idle instance: started when it stops, ends with its news and status 2.

Run as ``python -I -S …/orchestrator/hooks/wake.py CLIENT`` with the client's
event on stdin, in the background. Never in anybody's way: whatever goes wrong
ends it quietly, and the news waits in the store.
"""

import os
import sys


def main() -> int:
    """The exit status: 2 with news on stderr, 0 when there will be none."""
    event = sys.stdin.buffer.read()
    if os.environ.get("CLAUDE_CODE_ENTRYPOINT", "").startswith("sdk"):
        return 0  # one prompt and no more (``claude -p``): the client would wait for this to end
    # Isolated Python has no path to this package; this is the one place that adds it.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(__file__))))  # noqa: PTH120
    try:
        from orchestrator.hooks.waiter import news_for

        said = news_for(event)
    except Exception:
        return 0
    if said:
        sys.stderr.write(said)
    return 2 if said else 0


if __name__ == "__main__":
    sys.exit(main())

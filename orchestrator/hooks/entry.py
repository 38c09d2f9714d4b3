"""What a client starts for every event: ``python -I -S entry.py CLIENT``, the event on stdin.

Kept this short because a script is compiled at every start. The one place that
edits ``sys.path``: an isolated interpreter knows nothing of this package.
"""

import sys

if __name__ == "__main__":
    try:
        sys.path.insert(0, __file__.rpartition("/orchestrator/hooks/")[0] or "/")
        from orchestrator.hooks.run import main

        main(sys.argv)
    except Exception as error:
        # The package itself is broken: an edit is refused, everything else goes on.
        event = sys.stdin.buffer.read()
        asks = (b'"PreToolUse"', b'"preToolUse"', b'"BeforeTool"')
        shells = (b'"Bash"', b'"Shell"', b'"run_shell_command"')
        edit = any(a in event for a in asks) and not any(s in event for s in shells)
        sys.stderr.write(f"orchestrate cannot start its hook ({error!r:.200}): reinstall it\n")
        sys.exit(2 if edit else 0)

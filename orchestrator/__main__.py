"""The ``orchestrate`` command. Answers ``--version`` before anything heavy is imported."""

import sys


def main() -> None:
    """Entry point of the console script."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from orchestrator import __version__

        print(f"orchestrate {__version__}")
        return
    import gc

    # What a command imports stays until it ends: looking for garbage in it is a waste.
    gc.set_threshold(20_000)
    from orchestrator.cli.main import run

    status = run(sys.argv[1:])
    gc.freeze()  # nor when the process ends, which would look everywhere several times
    sys.exit(status)


if __name__ == "__main__":
    main()

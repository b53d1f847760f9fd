"""The program: `rawclean`, and `python -m rawclean`."""

import signal


def run() -> None:
    """Load the command line and run it; Ctrl-C while it loads ends it without a traceback."""
    heard = signal.getsignal(signal.SIGINT)  # ignored, where a shell has started us in the background
    if heard is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from rawclean.cli.main import run as run_command  # noqa: PLC0415 (it takes a quarter of a second)

    signal.signal(signal.SIGINT, heard)
    run_command()


if __name__ == "__main__":  # the command that is installed imports this, too
    run()

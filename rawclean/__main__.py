"""python -m rawclean."""

from rawclean.cli.main import run

if __name__ == "__main__":  # a process that a batch starts imports this, too
    run()

"""python -m rawclean."""

from rawclean.cli.main import run

run()

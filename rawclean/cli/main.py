"""The command line: `rawclean`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from rawclean.cli.batch import batch
from rawclean.cli.bench import bench
from rawclean.cli.calibrate import calibrate
from rawclean.cli.completion import app as completion
from rawclean.cli.config import app as config
from rawclean.cli.config import default_map
from rawclean.cli.denoise import denoise
from rawclean.cli.doctor import doctor
from rawclean.cli.info import info
from rawclean.cli.integrate import integrate
from rawclean.cli.interrupt import heard_in_libraw
from rawclean.cli.log import logged_to_the_end
from rawclean.cli.models import app as models
from rawclean.cli.noise import noise
from rawclean.cli.preview import preview
from rawclean.cli.report import print_error, print_line
from rawclean.cli.simulate import simulate
from rawclean.cli.status import FAILED, WRONG_USAGE
from rawclean.cli.train import app as train
from rawclean.cli.verify import verify
from rawclean.errors import RawcleanError, UsageError
from rawclean.version import __version__

app = typer.Typer(
    name="rawclean",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,  # `rawclean completion` instead
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (denoise, batch, preview, info, noise, calibrate, verify, simulate, bench, integrate, doctor):
    app.command()(command)
app.add_typer(train, name="train", help="Train networks on photos of your own.")
app.add_typer(config, name="config", help="The defaults of options, from rawclean.toml.")
app.add_typer(completion, name="completion", help="Complete commands and options with the Tab key.")
app.add_typer(models, name="models", help="List, show and check the installed networks.")


def _print_version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:  # a shell that completes reads what is printed
        print_line(f"rawclean {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Denoise RAW photos: reads DNG and camera RAW, writes DNG, PNG or TIFF."""
    context.default_map = default_map(context.command, context.invoked_subcommand)


def run() -> None:
    """Run a command; an expected failure becomes one line on standard error and its exit status."""
    with _own_standard_error(), heard_in_libraw(), logged_to_the_end():
        try:
            app(prog_name="rawclean")  # also where it is started as `python -m rawclean`
        except RawcleanError as error:
            print_error(str(error))
            sys.exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED)
        except OSError as error:  # whichever path of the user's it was; what it stands for matters less
            if error.filename is None:
                raise
            advice = "give yourself the right, or name" if isinstance(error, PermissionError) else "name"
            print_error(f"{error.filename}: {error.strerror}; {advice} another")
            sys.exit(FAILED)


@contextmanager
def _own_standard_error() -> Iterator[None]:
    """Write messages to a copy of descriptor 2, which is silenced for LibRaw while other threads have things to say."""
    theirs = sys.stderr
    with os.fdopen(os.dup(2), "w", buffering=1, encoding=theirs.encoding, errors=theirs.errors) as ours:
        sys.stderr = ours
        try:
            yield
        finally:
            sys.stderr = theirs

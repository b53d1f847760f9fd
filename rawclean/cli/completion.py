"""rawclean completion: the Tab key in a shell. Typer makes the scripts and answers them."""

from contextlib import suppress
from typing import Annotated

import typer
from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]

from rawclean.cli.report import print_line, print_script
from rawclean.errors import RawcleanError, UsageError
from rawclean.io.shell_files import Shell

app = typer.Typer(no_args_is_help=True)
completion_init()  # which Typer does by itself only with options of its own, that rewrite users' files

Chosen = Annotated[Shell | None, typer.Argument(help="The shell; by default the one that this is typed in.")]


@app.command()
def install(shell: Chosen = None) -> None:
    """Have the Tab key complete commands, options and models in your shell, from its next start on."""
    from rawclean.io.shell_files import install_completion

    shell = shell or _running_shell()
    read = install_completion(shell, _script(shell))
    print_line(f"{read}: completes rawclean in every {shell.value} that starts from now on")


@app.command()
def show(shell: Chosen = None) -> None:
    """Print the script that a shell completes with."""
    print_script(_script(shell or _running_shell()))


def complete_models(incomplete: str) -> list[str]:
    """Names of models that begin like this; none where models cannot be listed, for a shell shows no errors."""
    from rawclean.models.manifest import list_models

    with suppress(RawcleanError):
        return [card.name for card in list_models() if card.name.startswith(incomplete)]
    return []


def _script(shell: Shell) -> str:
    return get_completion_script(prog_name="rawclean", complete_var="_RAWCLEAN_COMPLETE", shell=shell.value)


def _running_shell() -> Shell:
    """The shell that rawclean was started in; raises UsageError where it is none of those that complete."""
    import shellingham

    names = ", ".join(each.value for each in Shell)
    try:
        name = shellingham.detect_shell()[0]
    except shellingham.ShellDetectionFailure as error:
        raise UsageError(f"your shell is not recognised; say which it is: {names}") from error
    name = "powershell" if name == "pwsh" else name
    if name not in [each.value for each in Shell]:
        raise UsageError(f"{name} is none of the shells that can complete: {names}")
    return Shell(name)

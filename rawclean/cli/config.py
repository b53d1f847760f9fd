"""Defaults of options from `rawclean.toml`: the user's, then that of the working folder.

A key at the top is for every command that has an option of that name, one in a table like [batch] or [train.student]
for that command. Names are those of the options, without the dashes before them. The working folder may be anybody's, a
folder of photos from elsewhere: options that say what is written where, or whom to connect to, are not taken from it.
"""

import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import platformdirs
import typer

from rawclean.cli.report import print_json, print_line, print_warning
from rawclean.errors import ConfigError, UsageError

CONFIG = "rawclean.toml"
LARGEST = 1 << 20
"""Bytes; a file with every option of every command has a hundredth of it."""
WITHOUT_DEFAULTS = frozenset({"doctor", "completion"})
"""Commands that run whatever the files hold, and take nothing from them."""
_NEVER = frozenset({"help", "version"})
_ONLY_FROM_THE_USER = frozenset(
    {"out", "output", "report", "log", "scheduler", "clean", "folder", "submission", "overwrite", "force", "open"}
)
"""What writes, replaces or connects."""

app = typer.Typer(no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Setting:
    """One default of one command."""

    command: str
    """Like batch, or train.student."""
    option: str
    value: Any
    origin: str
    """The file that says so, or "built in"."""


def config_paths() -> list[Path]:
    """Where configuration is looked for, the weakest first."""
    return [platformdirs.user_config_path("rawclean") / CONFIG, Path(CONFIG)]


def default_map(commands: Any, invoked: str | None) -> dict[str, Any]:
    """What `typer.Context.default_map` wants, for a group of commands; raises ConfigError.

    The values for the command or group that is `invoked` are checked.
    """
    if invoked in WITHOUT_DEFAULTS:
        return {}
    _warn_of_the_rest()
    tree: dict[str, Any] = {}
    leaves = {name: _options(leaf) for name, leaf in _leaves(commands)}
    for setting in _from_files(commands):
        *groups, name = setting.command.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        option = leaves[setting.command][setting.option]
        if invoked in (*groups, name)[:1]:
            _check_value(setting, option)
        branch.setdefault(name, {})[option.name] = setting.value
    return tree


@app.command()
def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show where configuration is looked for, and the default of every option of every command."""
    commands = context.find_root().command
    found = [path for path in config_paths() if _is_there(path)]
    chosen = {(setting.command, setting.option): setting for setting in _from_files(commands)}
    settings = [
        chosen.get((command, option)) or Setting(command, option, parameter.default, "built in")
        for command, leaf in _leaves(commands)
        for option, parameter in _options(leaf).items()
    ]
    parameters = {name: _options(leaf) for name, leaf in _leaves(commands)}
    for setting in chosen.values():
        _check_value(setting, parameters[setting.command][setting.option])
    if as_json:
        print_json({"looked_for": config_paths(), "read": found, "settings": settings})
        return
    for path in config_paths():
        print_line(f"# {path}: {'read' if path in found else 'not there'}")
    command = None
    for setting in settings:
        if setting.command != command:
            command = setting.command
            print_line()
            print_line(f"[{command}]")
        note = "" if setting.origin == "built in" else f"  # {setting.origin}"
        unset = setting.value is None
        print_line(f"{'# ' if unset else ''}{setting.option} = {'unset' if unset else _toml(setting.value)}{note}")


def check_config(path: Path, commands: Any) -> bool:
    """Whether there is a file at one of `config_paths`; raises ConfigError for what a command would not take of it."""
    parameters = {name: _options(leaf) for name, leaf in _leaves(commands)}
    for setting in _from_file(path, parameters):
        _check_value(setting, parameters[setting.command][setting.option])
    return _is_there(path)


def _from_files(commands: Any) -> Iterator[Setting]:
    """The settings of all files, those that win last."""
    leaves = {name: _options(leaf) for name, leaf in _leaves(commands)}
    for path in config_paths():
        yield from _from_file(path, leaves)


def _from_file(path: Path, leaves: dict[str, dict[str, Any]]) -> Iterator[Setting]:
    table = _read(path) if path.is_absolute() else _trusted(_read(path))
    for name, options in leaves.items():
        for option in options:
            if option in table and not isinstance(table[option], dict):
                yield Setting(name, option, table[option], str(path))
    for name, options in leaves.items():
        own = _table_of(table, name)
        for option in own.keys() & options.keys():
            yield Setting(name, option, own[option], str(path))
    _check_names(table, leaves, path)


def _read(path: Path) -> dict[str, Any]:
    if not _is_there(path):
        return {}
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigError(f"{path}: is too large for a configuration; correct it or move it away")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows begins files with a mark
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); correct it or move it away") from error


def _trusted(table: dict[str, Any]) -> dict[str, Any]:
    """A table of the working folder without what only the user may say, at any depth."""
    return {
        key: _trusted(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if isinstance(value, dict) or key not in _ONLY_FROM_THE_USER
    }


def _warn_of_the_rest() -> None:
    """Name what is left out of the working folder's file."""
    home, here = config_paths()
    table = _read(here)
    if table != _trusted(table):
        names = ", ".join(sorted(_ONLY_FROM_THE_USER))
        print_warning(f"{here}: none of {names} is taken from the working folder; write it into {home}")


def _is_there(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (false, not an error, in a closed home)


def _table_of(table: dict[str, Any], command: str) -> dict[str, Any]:
    for part in command.split("."):
        inner = table.get(part)
        table = inner if isinstance(inner, dict) else {}
    return table


def _check_names(table: dict[str, Any], leaves: dict[str, dict[str, Any]], path: Path, within: str = "") -> None:
    """Raise ConfigError where the table names an option or a command that is not there."""
    for key, value in table.items():
        name = f"{within}{key}"
        if isinstance(value, dict) and any(leaf == name or leaf.startswith(f"{name}.") for leaf in leaves):
            _check_names(value, leaves, path, f"{name}.")
            continue
        command = within.rstrip(".")
        known = leaves.get(command, {}) if command else {option for options in leaves.values() for option in options}
        if isinstance(value, dict) or key not in known:
            where = f"`rawclean {command.replace('.', ' ')}`" if command else "any command"
            raise ConfigError(f"{path}: {name} is no option of {where}; `rawclean config show` lists them")


def _check_value(setting: Setting, option: Any) -> None:
    """Raise ConfigError where the command line would not take the value either."""
    try:
        option.process_value(typer.Context(typer.core.TyperCommand(setting.command)), setting.value)
    except (typer.BadParameter, UsageError) as error:
        reason = error.message if isinstance(error, typer.BadParameter) else error
        raise ConfigError(f"{setting.origin}: {setting.option} = {_toml(setting.value)}: {reason}") from error


def _leaves(group: Any, within: str = "") -> Iterator[tuple[str, Any]]:
    """Every command below a group that takes defaults, by its dotted name."""
    for name, command in group.commands.items():
        if not within and name in WITHOUT_DEFAULTS:
            continue
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{within}{name}.")
        else:
            yield f"{within}{name}", command


def _options(command: Any) -> dict[str, Any]:
    """The options of a command by the name that users know; arguments are none."""
    names = {max(each.opts, key=len).removeprefix("--"): each for each in command.params if each.opts[0][0] == "-"}
    return {name: each for name, each in names.items() if name not in _NEVER}


def _toml(value: Any) -> str:
    plain = getattr(value, "value", value)
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, list | tuple):
        return f"[{', '.join(map(_toml, plain))}]"
    return str(plain) if isinstance(plain, int | float) else f'"{plain}"'

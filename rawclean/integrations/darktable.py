"""darktable: a Lua script of its own, and the line of the user's `luarc` that loads it."""

from pathlib import Path

from rawclean.integrations.entries import LINE_MARK, OwnFile, OwnLine
from rawclean.integrations.places import PhotoProgram, config_home
from rawclean.integrations.quoting import for_lua, own_command
from rawclean.integrations.templates import render
from rawclean.io.suffixes import RAW_EXTENSIONS

DARKTABLE = PhotoProgram("darktable", ("darktable",), "darktable.app", "darktable/bin/darktable.exe")
LOAD = b'pcall(require, "rawclean") ' + LINE_MARK + b" darktable`\n"
"""A script that has gone missing does not keep the user's own from being loaded."""


def darktable_entries(_program: Path | None) -> list[OwnFile | OwnLine]:
    """The script and the line."""
    folder = config_home() / "darktable"
    raw = for_lua(RAW_EXTENSIONS)
    script = render("darktable.lua.j2", "darktable", command=for_lua(own_command()), raw=raw)
    return [OwnFile(folder / "lua" / "rawclean.lua", script), OwnLine(folder / "luarc", LOAD)]

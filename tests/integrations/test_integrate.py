"""What is installed where, what is kept, and what is taken away again."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rawclean.errors import IntegrationError
from rawclean.integrations.darktable import LOAD
from rawclean.integrations.quoting import for_desktop_entry, for_lua, for_python, for_shell

HOSTILE = ['/opt/it\'s "a" $(touch pwned) `x`', "/opt/50%F\\n\\", "/opt/new\nline\t", "/opt/caf\udce9/é"]
LUARCS = [
    b'require "mine"\nprint("no newline at the end")',
    b'\xef\xbb\xbfrequire "mine"\r\n-- caf\xe9\r\n',
    b'#!/usr/bin/lua\nrequire "mine"\n\n',
]
posix = pytest.mark.skipif(sys.platform == "win32", reason="entries of Linux desktops")


@pytest.fixture
def homes(tmp_path, monkeypatch) -> Path:
    """A machine of a user's own, whose programs are there by name."""
    for variable, name in {"XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "HOME": "home"}.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("darktable", "rawtherapee", "digikam", "gimp"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    (tmp_path / "config" / "GIMP" / "3.0").mkdir(parents=True)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    """Those that rawclean could have to do with; the desktop's own index is none."""
    paths = [path for name in ("config", "data") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths if path.name != "mimeinfo.cache"}


@pytest.mark.parametrize("program", ["darktable", "rawtherapee", "digikam", "gimp"])
def test_what_is_installed_is_shown_before_and_taken_away_after(rawclean, homes, program):
    shown = rawclean("integrate", program, "--dry-run")
    assert (shown.status, files(homes)) == (0, {})
    first = rawclean("integrate", program)
    assert first.status == 0, first.err
    installed = files(homes)
    assert installed
    for path, content in installed.items():
        assert f"# {path}: with this" in shown.out
        assert content.decode() in shown.out
    again = rawclean("integrate", program)
    assert again.out.count("was as it should be") == len(installed)
    assert files(homes) == installed
    assert rawclean("integrate", program, "--remove").out.count("removed") == len(installed)
    assert files(homes) == {}
    assert "nothing to remove" in rawclean("integrate", program, "--remove").out


def test_the_loader_of_gimp_is_promised_where_it_is_installed(rawclean, homes):
    assert "Raw Image Importer" in rawclean("integrate", "gimp").out
    shutil.rmtree(homes / "config" / "GIMP")
    said = rawclean("integrate", "gimp").out
    assert "start GIMP 3 once, and run this again" in said
    assert "Raw Image Importer" not in said


@pytest.mark.parametrize("own", LUARCS)
def test_every_byte_of_a_luarc_stays(rawclean, homes, own):
    luarc = homes / "config" / "darktable" / "luarc"
    luarc.parent.mkdir(parents=True)
    luarc.write_bytes(own)
    for _ in range(2):
        assert rawclean("integrate", "darktable").status == 0
        assert luarc.read_bytes().count(LOAD) == 1
        assert luarc.read_bytes().replace(LOAD, b"") == own
    if lua := shutil.which("lua5.4") or shutil.which("luac"):
        subprocess.run([lua, "-e", f"assert(loadfile({str(luarc)!r}))"], check=True)
    luarc.write_bytes(luarc.read_bytes() + b'require "later"\n')
    assert rawclean("integrate", "darktable", "--remove").status == 0
    assert luarc.read_bytes() == own + b'require "later"\n'


@posix
def test_a_luarc_that_is_a_link_stays_one_with_its_permissions(rawclean, homes):
    luarc = homes / "config" / "darktable" / "luarc"
    luarc.parent.mkdir(parents=True)
    (homes / "dotfiles").write_text('require "mine"\n')
    (homes / "dotfiles").chmod(0o600)
    luarc.symlink_to(homes / "dotfiles")
    assert rawclean("integrate", "darktable").status == 0
    assert luarc.is_symlink()
    assert LOAD in (homes / "dotfiles").read_bytes()
    assert (homes / "dotfiles").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("option", [(), ("--remove",)])
def test_a_file_of_somebody_else_is_kept_and_nothing_is_half_done(rawclean, homes, option):
    foreign = homes / "config" / "darktable" / "lua" / "rawclean.lua"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("-- mine\n")
    refused = rawclean("integrate", "darktable", *option)
    assert (refused.status, len(refused.err.splitlines())) == (1, 1)
    assert "is not rawclean's" in refused.err
    assert files(homes) == {str(foreign): b"-- mine\n"}


@pytest.mark.parametrize("program", ["darktable", "rawtherapee", "digikam", "gimp"])
def test_a_program_that_is_not_there_is_one_line(rawclean, homes, monkeypatch, program):
    monkeypatch.setenv("PATH", str(homes / "home"))
    refused = rawclean("integrate", program)
    assert (refused.status, len(refused.err.splitlines())) == (1, 1)
    assert "was not found; install it" in refused.err
    assert files(homes) == {}
    assert rawclean("integrate", program, "--remove").status == 0


@posix
@pytest.mark.parametrize("path", HOSTILE)
def test_a_command_reaches_a_shell_and_python_as_it_is(path):
    said = subprocess.run(["sh", "-c", f"printf '%s\\0' {for_shell([path, 'b'])}"], capture_output=True)
    assert said.stdout == f"{path}\0b\0".encode(errors="surrogateescape")
    assert ast.literal_eval(for_python([path, "b"])) == [path, "b"]


@posix
@pytest.mark.parametrize("path", HOSTILE)
def test_a_command_reaches_lua_as_it_is(path):
    lua = shutil.which("lua5.4") or shutil.which("lua5.3") or shutil.which("lua")
    if not lua:
        pytest.skip("lua is not installed")
    said = subprocess.run([lua, "-e", f"io.write({for_lua([path])})"], capture_output=True)
    assert said.stdout == path.encode(errors="surrogateescape")


@pytest.mark.parametrize("path", HOSTILE[1:])
def test_a_folder_that_no_desktop_entry_can_name_is_refused(path):
    with pytest.raises(IntegrationError, match="a desktop entry cannot name this folder"):
        for_desktop_entry(path)

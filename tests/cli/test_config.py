"""Defaults from rawclean.toml."""

import json

import platformdirs
import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path


def shown(rawclean):
    settings = json.loads(rawclean("config", "show", "--json").out)["settings"]
    return {(setting["command"], setting["option"]): setting for setting in settings}


def test_the_working_folder_wins_over_the_user_and_the_command_line_over_both(rawclean, folder, sample):
    home = platformdirs.user_config_path("rawclean")
    home.mkdir(parents=True)
    (home / "rawclean.toml").write_text('strength = 0.25\n[batch]\nformat = "png"\ninclude = ["*.dng"]\n')
    (folder / "rawclean.toml").write_text("[denoise]\nstrength = 0.5\ntile = 64\n")
    settings = shown(rawclean)
    assert settings["denoise", "strength"]["value"] == 0.5
    assert settings["batch", "strength"]["value"] == 0.25
    assert settings["batch", "strength"]["origin"] == str(home / "rawclean.toml")
    assert settings["denoise", "tile"]["origin"] == "rawclean.toml"
    assert settings["denoise", "device"]["origin"] == "built in"
    text = rawclean("config", "show").out
    assert "[batch]" in text
    assert 'format = "png"' in text
    assert "strength = 0.5  # rawclean.toml" in text

    for name, options in {"file": (), "half": ("--strength", "0.5"), "whole": ("--strength", "1")}.items():
        assert rawclean("denoise", sample, "-o", folder / f"{name}.dng", *options, "--quiet").status == 0
    assert (folder / "file.dng").read_bytes() == (folder / "half.dng").read_bytes()
    assert (folder / "file.dng").read_bytes() != (folder / "whole.dng").read_bytes()

    (folder / "shoot").mkdir()
    (folder / "shoot" / "one.dng").write_bytes(sample.read_bytes())
    assert rawclean("batch", "shoot", "--quiet").status == 0
    assert (folder / "shoot" / "denoised" / "one.png").exists()


def test_groups_of_commands_have_tables_of_tables(rawclean, folder):
    (folder / "rawclean.toml").write_text("[train.student]\nsteps = 7\n")
    settings = shown(rawclean)
    assert settings["train.student", "steps"]["value"] == 7
    assert settings["train.teacher", "steps"]["value"] is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("strenght = 1", "strenght is no option of any command"),
        ("[batch]\nlimit = 3", "batch.limit is no option of `rawclean batch`"),
        ("[bach]\nstrength = 1", "bach is no option"),
        ("strength = ", "cannot be read"),
        ("a = " + 100_000 * "[", "cannot be read"),
    ],
)
def test_a_mistake_is_one_clear_line(rawclean, folder, sample, text, word):
    (folder / "rawclean.toml").write_text(text)
    result = rawclean("info", sample)
    assert result.status == 2
    assert word in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        *('strength = "much"', "strength = nan", "strength = -0.5", "strength = 7", "tile = -8", "iso = inf"),
        *('device = "tpu"', 'compression = "zip"', 'model = "none"', 'noise = "5,5"', "noise = true"),
        *("[batch]\nmax-memory = '2X'", "[batch]\ntimeout = nan", "[batch]\ninclude = '*.nef'"),
    ],
)
def test_an_impossible_value_is_named_with_its_file(rawclean, folder, sample, text):
    key = text.rpartition("\n")[2].partition(" ")[0]
    (folder / "rawclean.toml").write_text(text)
    (folder / "shoot").mkdir()
    (folder / "shoot" / "one.dng").write_bytes(sample.read_bytes())
    for command in (("config", "show"), ("batch", "shoot")):
        result = rawclean(*command)
        assert (result.status, result.out) == (2, "")
        assert f"rawclean.toml: {key} = " in result.err
        assert len(result.err.splitlines()) == 1
    assert not (folder / "shoot" / "denoised").exists()


def test_a_file_as_windows_writes_it_is_read(rawclean, folder, sample):
    (folder / "rawclean.toml").write_text("strength = 0.5\n", encoding="utf-8-sig")
    assert "50%" in rawclean("denoise", sample, "-o", folder / "a.dng").out

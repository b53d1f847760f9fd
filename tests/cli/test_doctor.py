"""rawclean doctor: what it finds of the real installation, of damaged ones, and what it does not tell."""

import itertools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rawclean.core.answers import example_planes, example_values
from rawclean.doctor import private
from rawclean.doctor.finding import State
from rawclean.doctor.private import without_names
from rawclean.doctor.self_test import try_instruments
from rawclean.engines.answers import TOLERANCE_BF16
from rawclean.instruments.answers import INSTRUMENTS, TOLERANCE
from rawclean.models.manifest import MANIFEST, list_models, read_instruments, shipped_weights


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of someone, which is the working folder, too."""
    home = tmp_path / "gwendolyn"
    home.mkdir()
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "gwendolyn")
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def weights(home):
    """The shipped models as the user's own, which go before them."""
    return Path(shutil.copytree(shipped_weights(), home / ".local" / "share" / "rawclean" / "weights"))


def findings(rawclean, status):
    result = rawclean("doctor", "--json")
    assert (result.status, result.err) == (status, "")
    return {finding["name"]: finding for finding in json.loads(result.out)["findings"]}


def faults(found):
    return {name for name, finding in found.items() if finding["state"] == "fault"}


def test_this_installation_has_no_fault(rawclean, home):
    found = findings(rawclean, 0)
    names = {f"model {card.name}" for card in list_models()}
    names |= {f"instrument {file.partition('.')[0]}" for file in INSTRUMENTS}
    assert names <= found.keys()
    assert all(found[name]["state"] == "good" for name in names)
    assert all("from its stored answer" in found[name]["text"] for name in names)


def test_it_is_told_to_people_line_by_line(rawclean, home):
    result = rawclean("doctor")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[-1] == "no faults found"
    assert all(re.match(r"(ok|note) +[a-z]", line) for line in lines[:-1])


def test_neither_home_nor_user_nor_host_is_told(rawclean, weights):
    (weights / "teacher.safetensors").write_bytes(b"")
    result = rawclean("doctor")
    assert result.status == 1
    assert "~/.local/share/rawclean/weights/teacher.safetensors: sha256 differs" in result.out
    assert str(weights.parents[3]) not in result.out
    assert "gwendolyn" not in result.out
    assert not re.search(rf"(?<!\w){re.escape(platform.node())}(?!\w)", result.out)


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_a_damaged_weight_file_is_a_fault_of_its_model_alone(rawclean, weights, suffix):
    damaged = weights / f"student-low{suffix}"
    content = bytearray(damaged.read_bytes())
    content[-100] ^= 1
    damaged.write_bytes(content)
    assert faults(findings(rawclean, 1)) == {"model student-low"}


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_damaged_instrument_is_a_fault(weights, name):
    content = bytearray((weights / name).read_bytes())
    content[-1] ^= 1
    (weights / name).write_bytes(content)
    states = {finding.name: finding.state for finding in try_instruments(weights)}
    assert [each for each, state in states.items() if state is State.FAULT] == [f"instrument {name.partition('.')[0]}"]


def test_an_answer_that_is_another_is_a_fault(rawclean, weights):
    manifest = json.loads((weights / MANIFEST).read_text())
    low, medium = (row for row in manifest["models"] if row["name"] in ("student-low", "student-medium"))
    low["answer"], medium["answer"] = medium["answer"], low["answer"]
    (weights / MANIFEST).write_text(json.dumps(manifest))
    assert faults(findings(rawclean, 1)) == {"model student-low", "model student-medium"}


def test_a_manifest_that_is_damaged_does_not_hide_the_rest(rawclean, weights):
    (weights / MANIFEST).write_text("{")
    found = findings(rawclean, 1)
    assert faults(found) == {"models of yours"}
    assert found["model teacher"]["state"] == "good"


def test_a_card_without_an_answer_gets_one_by_models_record(rawclean, weights):
    manifest = json.loads((weights / MANIFEST).read_text())
    for row in manifest["models"]:
        del row["answer"]
    (weights / MANIFEST).write_text(json.dumps({"models": manifest["models"]}))
    assert findings(rawclean, 0)["model teacher"]["state"] == "note"
    assert rawclean("models", "record").status == 0
    assert findings(rawclean, 0)["model teacher"]["state"] == "good"
    for mine, shipped in zip(read_instruments(weights), read_instruments(shipped_weights()), strict=True):
        assert mine.sha256 == shipped.sha256
        assert mine.answer.distance(shipped.answer) < TOLERANCE


@pytest.mark.parametrize("text", ["strength = ", 'strength = "secret"', "[batch]\nsecret = 3", "a = " + 9_999 * "["])
@pytest.mark.parametrize("of_user", [True, False])
def test_a_broken_configuration_is_a_fault_and_its_content_stays_private(rawclean, home, text, of_user):
    folder = home / ".config" / "rawclean" if of_user else home
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rawclean.toml").write_text(text)
    result = rawclean("doctor")
    assert (result.status, result.err) == (1, "")
    assert re.search(r"^FAULT .*rawclean.toml: cannot be used; `rawclean config show` says why$", result.out, re.M)
    assert result.out.endswith("1 fault found\n")
    assert "secret" not in result.out
    assert rawclean("config", "show").status == 2


def test_a_broken_noise_profile_and_a_scratch_folder_that_is_not_there_are_faults(rawclean, home, monkeypatch):
    import tempfile

    (home / ".config" / "rawclean").mkdir(parents=True)
    (home / ".config" / "rawclean" / "noise_profiles.json").write_text("[]")
    with monkeypatch.context() as broken:
        broken.setattr(tempfile, "tempdir", str(home / "none"))
        found = findings(rawclean, 1)
    assert faults(found) == {"noise profiles", "scratch folder"}


def test_a_library_that_does_not_load_is_a_fault_and_the_rest_is_told(home, tmp_path):
    broken = tmp_path / "hook" / "openvino"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libtbb.so.12: no such file')")
    path = os.pathsep.join([str(broken.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "rawclean", "doctor", "--json"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found["model teacher"]["text"] == "ImportError: libtbb.so.12: no such file"
    assert {found[name]["state"] for name in ("memory", "scratch folder", "instrument site-judge")} == {"good"}


def test_the_answers_of_all_models_are_farther_apart_than_is_tolerated():
    for one, other in itertools.permutations(list_models(), 2):
        assert one.answer.distance(other.answer) > TOLERANCE_BF16
    for one, other in itertools.permutations(read_instruments(shipped_weights()), 2):
        assert one.answer.distance(other.answer) > 10 * TOLERANCE


def test_the_example_is_what_it_was_when_the_answers_were_stored():
    assert example_values(3).tolist() == [0.5098558664321899, 0.5038419365882874, 0.9804441928863525]
    planes = example_planes(9)
    assert float(planes.mean(dtype=float)) == pytest.approx(0.24000145, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/anna/x and /home/anna", "~/x and ~"),
        ("/home/annabel/x", "/home/annabel/x"),
        ("/media/anna/card: pytest-of-anna, Anna", "/media/USER/card: pytest-of-USER, Anna"),
        ("made on box.example.org and box", "made on HOST and HOST"),
        ("boxes", "boxes"),
    ],
)
def test_names_are_taken_out_where_they_are_names(monkeypatch, text, told):
    for variable in private._USER_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("LOGNAME", "anna")
    monkeypatch.setattr(platform, "node", lambda: "box.example.org")
    assert without_names(text) == told

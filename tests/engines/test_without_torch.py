"""A photo is denoised on a CPU by processes that cannot load torch, which takes longer than the photo."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GUITAR = Path(__file__).parents[1] / "data" / "guitar.dng"
WITHOUT_TORCH = "import sys\nsys.modules['torch'] = None\n"


@pytest.fixture
def run(tmp_path):
    """Runs a command line whose processes have no torch."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(WITHOUT_TORCH)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(hook), os.environ.get("PYTHONPATH", "")])}

    def run(*arguments, status=0):
        command = [sys.executable, "-m", "rawclean", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
        assert done.returncode == status, done.stderr
        return done

    return run


def test_denoise_verify_info_and_noise(run, tmp_path):
    output = tmp_path / "out.dng"
    report = json.loads(run("denoise", GUITAR, "-o", output, "--json").stdout)["report"]
    assert report["device"].startswith("openvino cpu")
    assert "ok" in run("verify", output, GUITAR).stdout
    assert "openvino" in run("info", GUITAR).stdout
    assert "NoiseProfile tag" in run("noise", GUITAR, "-o", tmp_path / "noise.html").stdout


def test_batch_and_its_second_run(run, tmp_path):
    shoot = tmp_path / "shoot"
    shoot.mkdir()
    for name in ("a.dng", "b.dng"):
        shutil.copy(GUITAR, shoot / name)
    run("batch", shoot, "--report", tmp_path / "report.html")
    again = run("batch", shoot, "--json").stdout.splitlines()
    assert len(again) == 2
    assert all(json.loads(line)["skipped"] for line in again)
    run("batch", shoot, "--dry-run", "--force")


def test_models(run):
    assert "student-general" in run("models", "list").stdout


def test_doctor(run):
    assert "FAULT" not in run("doctor").stdout


def test_what_needs_torch_says_so(run, tmp_path):
    done = run("denoise", GUITAR, "-o", tmp_path / "out.dng", "--engine", "torch", status=2)
    assert done.stderr == "rawclean: torch is not installed; pip install torch, or use --engine openvino\n"

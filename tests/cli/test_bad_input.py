"""Every bad input ends in one clear line, exit status 1, and no output."""

import contextlib
import hashlib
import json
import math
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from dng_factory import entry, make_frame, write_dng

from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import DOUBLE, LONG, RATIONAL

NOBODY = 65534
WITHOUT_ROOTS_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""So that root may not read and write everything, but still its own interpreter."""
CAPTURED = {"capture_output": True, "text": True}


def assert_refused(result, message: str, folder: Path, kept: set[str], status: int = 1) -> None:
    """One line that holds `message`, the status, and nothing in `folder` but what was there."""
    assert result.status == status
    assert result.out == ""
    lines = result.err.strip().splitlines()
    assert len(lines) == 1, result.err
    assert message in lines[0]
    assert {path.name for path in folder.iterdir()} == kept


@pytest.fixture
def refuse(rawclean, tmp_path):
    """Denoise a file of the test's folder and expect a refusal."""

    def run(source: Path, message: str, *options: object) -> None:
        kept = {path.name for path in tmp_path.iterdir()}
        assert_refused(rawclean("denoise", source, "-o", tmp_path / "out.dng", *options), message, tmp_path, kept)

    return run


def test_missing_file(refuse, tmp_path):
    refuse(tmp_path / "none.dng", "no such file")


def test_empty_file(refuse, tmp_path):
    (tmp_path / "a.dng").touch()
    refuse(tmp_path / "a.dng", "the file is empty")


def test_folder(rawclean, tmp_path):
    (tmp_path / "a.dng").mkdir()
    assert_refused(rawclean("denoise", tmp_path / "a.dng"), "no RAW photos in it", tmp_path, {"a.dng"})


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.9, 0.99])
def test_truncated_file(refuse, sample, tmp_path, share):
    data = sample.read_bytes()
    (tmp_path / "a.dng").write_bytes(data[: int(share * len(data))])
    refuse(tmp_path / "a.dng", "a.dng: ")


def test_truncated_raw_of_a_camera(refuse, shared, tmp_path):
    for name in ("canon_g2_chart_iso50.crw", "nikon_d1_iso200_bggr.nef", "pixel7_dark_iso744_ljpeg.dng"):
        data = (shared / "raw" / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        refuse(tmp_path / name, name)


def test_jpeg_named_dng(refuse, tmp_path):
    import numpy as np

    from rawclean.io.pictures import jpeg_bytes

    (tmp_path / "a.dng").write_bytes(jpeg_bytes(np.full((64, 64, 3), 99, dtype=np.uint8), (64, 64)))
    refuse(tmp_path / "a.dng", "not a RAW photo")


def test_text_named_dng(refuse, tmp_path):
    (tmp_path / "a.dng").write_text("just words " * 1000)
    refuse(tmp_path / "a.dng", "not a RAW photo")


def test_black_not_below_white(refuse, tmp_path):
    changes = [entry(tags.BLACK_LEVEL, RATIONAL, [16383] * 4)]
    refuse(write_dng(tmp_path / "a.dng", make_frame(), changes), "black levels")


@pytest.mark.parametrize("area", [(0, 0, 6400, 9600), (0, 0, 66, 98), (60, 90, 8, 8), (64, 96, 64, 96)])
def test_active_area_outside_the_image(refuse, tmp_path, area):
    changes = [entry(tags.ACTIVE_AREA, LONG, area)]
    refuse(write_dng(tmp_path / "a.dng", make_frame(), changes), "a.dng: ")


@pytest.mark.parametrize(
    "profile", [(-1e-3, 1e-6), (math.nan, 1e-6), (1e30, 1e-6), (1e-3, -1e-6), (1e-3, math.inf), (1e-3,) * 3]
)
def test_an_absurd_noise_profile_is_left_out(rawclean, tmp_path, profile):
    path = write_dng(tmp_path / "a.dng", make_frame(), [entry(tags.NOISE_PROFILE, DOUBLE, profile)])
    result = rawclean("denoise", path, "-o", tmp_path / "out.dng", "--json")
    assert result.status == 0
    assert ": its NoiseProfile tag" in result.err
    assert len(result.err.splitlines()) == 1
    assert json.loads(result.out)["report"]["noise_origin"] == "the photo itself"
    assert rawclean("denoise", path, "-o", tmp_path / "o.dng", "--noise", "1e-3,1e-6", "-q") == (0, "", "")


@pytest.mark.parametrize("size", [(2, 2), (3, 5), (8, 400)])
def test_photo_of_a_few_samples(refuse, tmp_path, size):
    refuse(write_dng(tmp_path / "a.dng", make_frame(size)), "a.dng: ")


def test_the_source_is_never_overwritten(rawclean, sample, tmp_path):
    shutil.copy(sample, tmp_path / "a.dng")
    (tmp_path / "link.dng").symlink_to(tmp_path / "a.dng")
    for name in ("a.dng", "link.dng"):
        result = rawclean("denoise", tmp_path / "a.dng", "-o", tmp_path / name, "--overwrite")
        assert_refused(result, "is the source itself", tmp_path, {"a.dng", "link.dng"})
    assert (tmp_path / "a.dng").read_bytes() == sample.read_bytes()


def test_an_output_needs_overwrite(rawclean, sample, tmp_path):
    output = tmp_path / "out.dng"
    output.write_text("precious")
    result = rawclean("denoise", sample, "-o", output)
    assert_refused(result, "--overwrite", tmp_path, {"out.dng"})
    assert output.read_text() == "precious"
    assert rawclean("denoise", sample, "-o", output, "--overwrite").status == 0
    assert output.stat().st_size > 200_000


@pytest.mark.parametrize(
    ("output", "message"),
    [("out.xyz", "cannot write .xyz"), ("out", "without suffix"), ("file/out.dng", "is a file, and no folder")],
)
def test_impossible_outputs(rawclean, sample, tmp_path, output, message):
    (tmp_path / "file").touch()
    result = rawclean("denoise", sample, "-o", tmp_path / output)
    assert_refused(result, message, tmp_path, {"file"}, status=1 if output.endswith("dng") else 2)


ABSENT_DEVICES = [
    name for name, there in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if not there.is_available()
]
WRONG_VALUES = [
    *(f"info SAMPLE --iso {iso}" for iso in ("-5", "0", "nan", "inf", "1e9", "x")),
    *(f"noise SAMPLE --noise {pair}" for pair in ("1", "a,b", "1,2,3", "-1,0", "nan,0", "2,0", "1e-3,1e9")),
    *("denoise SAMPLE --strength nan", "denoise SAMPLE --strength 2", "denoise SAMPLE --tile 3"),
    *("denoise SAMPLE --model x", "denoise SAMPLE --device x", "models show x"),
    *("denoise SAMPLE -o a.gif", "noise SAMPLE -o a.gif", "simulate a.png -o b.png", "simulate a.png -o b"),
    *("simulate a.png -o b.dng --clean c.tiff", "batch FOLDER --out FOLDER"),
    *(f"{command} --device {device}" for command in ("denoise SAMPLE", "batch FOLDER") for device in ABSENT_DEVICES),
    *("bench FOLDER --model x", "bench FOLDER --part told", "bench FOLDER --submission x", "bench FOLDER --limit 0"),
    *("batch FOLDER --model x", "batch FOLDER --iso 0", "batch FOLDER --noise 5,5", "batch FOLDER --timeout nan"),
    *("batch FOLDER --max-memory 0", "batch FOLDER --name {x}", "batch FOLDER --name {folder}/"),
    *("simulate a.png -o b.dng --shot nan", "simulate a.png -o b.dng --read 2", f"simulate a.png -o b --seed {2**70}"),
    *("calibrate SAMPLE SAMPLE --iso nan", "models add a --photos FOLDER --name a/b --sigma 3 1"),
    *("train specialise FOLDER --out x --start a --sigma nan 1", f"train student FOLDER --out x --seed {2**70}"),
]


@pytest.mark.parametrize("command", WRONG_VALUES)
def test_a_wrong_value_of_an_option_is_wrong_usage(rawclean, sample, tmp_path, command):
    shutil.copy(sample, tmp_path / "a.dng")
    places = {"SAMPLE": tmp_path / "a.dng", "FOLDER": tmp_path}
    result = rawclean(*(places.get(word, word) for word in command.split()))
    assert result.status == 2
    assert result.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.dng"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with a name in a folder")
@pytest.mark.parametrize("command", ["verify PIPE SAMPLE", "verify SAMPLE PIPE", "simulate PIPE -o b.dng"])
def test_a_pipe_is_not_waited_for(rawclean, sample, tmp_path, command):
    os.mkfifo(tmp_path / "a.dng")
    places = {"PIPE": tmp_path / "a.dng", "SAMPLE": sample}
    result = rawclean(*(places.get(word, word) for word in command.split()))
    assert result.status == 1
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("kind", ["small", "gif", "dng", "folder"])
def test_a_picture_that_cannot_be_simulated_is_one_clear_line(rawclean, sample, tmp_path, kind):
    path = tmp_path / "a.png"
    if kind == "small":
        imageio.imwrite(path, np.zeros((5, 5, 3), np.uint8))
    elif kind == "gif":
        imageio.imwrite(path, np.zeros((64, 64, 3), np.uint8), extension=".gif")
    elif kind == "dng":
        shutil.copy(sample, path)
    else:
        path.mkdir()
    result = rawclean("simulate", path, "-o", tmp_path / "b.dng")
    assert result.status == 1
    assert len(result.err.splitlines()) == 1
    assert not (tmp_path / "b.dng").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with a name in a folder")
def test_a_pipe_is_not_replaced(rawclean, sample, tmp_path):
    os.mkfifo(tmp_path / "out.dng")
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--overwrite")
    assert_refused(result, "is a device or a pipe", tmp_path, {"out.dng"})
    assert stat.S_ISFIFO((tmp_path / "out.dng").stat().st_mode)


@contextlib.contextmanager
def as_nobody():
    """Give up root's right to read and write everything."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield


def test_no_permission(rawclean, sample):
    rawclean("info", sample)  # imports what is needed while everything may be read
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(sample, folder / "a.dng")
        shutil.copy(sample, folder / "secret.dng")
        (folder / "secret.dng").chmod(0o000)
        if os.geteuid() != 0:
            folder.chmod(0o555)
        kept = {"a.dng", "secret.dng"}
        with as_nobody():
            unreadable = rawclean("denoise", folder / "secret.dng", "-o", folder / "out.dng")
            unwritable = rawclean("denoise", folder / "a.dng", "-o", folder / "out.dng")
        folder.chmod(0o755)
        assert_refused(unreadable, "Permission denied", folder, kept)
        assert_refused(unwritable, "cannot be written (Permission denied)", folder, kept)


CLOSED = [
    *("denoise CLOSED/a.dng -o out.dng", "info CLOSED/a.dng", "denoise SAMPLE -o CLOSED/out.dng"),
    *("simulate CLOSED/a.png -o out.dng", "bench CLOSED/photos", "train student CLOSED/a --out x"),
    *("batch CLOSED/photos", "batch FOLDER --out CLOSED/out", "batch FOLDER --report CLOSED/page.html"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("command", CLOSED)
def test_a_closed_folder_is_one_clear_line(sample, tmp_path, command):
    (tmp_path / "closed").mkdir(mode=0)
    shutil.copy(sample, tmp_path / "a.dng")
    words = {"CLOSED": tmp_path / "closed", "SAMPLE": tmp_path / "a.dng", "FOLDER": tmp_path}
    parts = [word.partition("/") for word in command.split()]
    arguments = [f"{words.get(head, head)}{slash}{rest}" for head, slash, rest in parts]
    run = subprocess.run(
        [*WITHOUT_ROOTS_RIGHTS, sys.executable, "-m", "rawclean", *arguments], **CAPTURED, cwd=tmp_path
    )
    assert run.returncode == 1
    assert "closed" in run.stderr
    assert "Permission denied" in run.stderr
    assert "Traceback" not in run.stderr


def test_full_disk(rawclean, sample, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mount.stderr.strip()}")
    try:
        for name in ("out.dng", "out.png"):
            result = rawclean("denoise", sample, "-o", disk / name)
            assert_refused(result, "No space left on device", disk, set())
    finally:
        subprocess.run(["umount", disk], check=True)


def test_file_size_limit(sample, tmp_path):
    """A quota that ends the writing halfway, as any user can set it."""
    command = [sys.executable, "-m", "rawclean", "denoise", sample, "-o", tmp_path / "out.dng"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)
    assert run.returncode == 1
    assert "cannot be written (File too large)" in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "engine"), [("safetensors", "torch"), ("onnx", "openvino")])
def test_damaged_weights(rawclean, sample, tmp_path, monkeypatch, suffix, engine):
    from rawclean.models import manifest

    folder = tmp_path / "weights"
    shutil.copytree(manifest.shipped_weights(), folder)
    for weights in folder.glob(f"s*.{suffix}"):
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    monkeypatch.setattr(manifest, "shipped_weights", lambda: folder)
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--engine", engine)
    assert_refused(result, "sha256 differs", tmp_path, {"weights"})
    assert rawclean("models", "verify").status == 1


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data, name: b"", "not a network that OpenVINO can read"),
        (lambda data, name: data[: len(data) // 2], "not a network that OpenVINO can read"),
        (lambda data, name: b"text" * 99, "not a network that OpenVINO can read"),
        (lambda data, name: (name.parent / "student-xtrans.onnx").read_bytes(), "a network for 9 planes, where 4"),
        (lambda data, name: with_infinite_weights(data), "not finite"),
    ],
)
def test_onnx_files_that_fit_their_digest_and_nothing_else(rawclean, sample, tmp_path, monkeypatch, spoil, reason):
    from rawclean.models import manifest

    folder = tmp_path / "weights"
    shutil.copytree(manifest.shipped_weights(), folder)
    rows = json.loads((folder / "manifest.json").read_text())
    for row in rows["models"]:
        name = (folder / row["file"]).with_suffix(".onnx")
        if row["mosaic"] == "bayer" and row["role"] == "specialist":
            name.write_bytes(spoil(name.read_bytes(), name))
            row["onnx_sha256"] = hashlib.sha256(name.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(rows))
    monkeypatch.setattr(manifest, "shipped_weights", lambda: folder)
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--engine", "openvino")
    assert_refused(result, reason, tmp_path, {"weights"})


def with_infinite_weights(data: bytes) -> bytes:
    import onnx

    model = onnx.load_from_string(data)
    largest = max(model.graph.initializer, key=lambda each: len(each.raw_data))
    largest.raw_data = np.float32(np.inf).tobytes() + largest.raw_data[4:]
    return model.SerializeToString()


@pytest.mark.parametrize("arguments", [[""], ["a.dng", ""], ["a.dng", "-o", ""]])
def test_an_empty_name_is_not_the_working_folder(rawclean, sample, tmp_path, monkeypatch, arguments):
    (tmp_path / "a.dng").write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert_refused(rawclean("denoise", *arguments), "is empty", tmp_path, {"a.dng"}, status=2)


def test_a_folder_is_no_photo(rawclean, tmp_path):
    result = rawclean("info", tmp_path)
    assert_refused(result, "is a folder; use `rawclean batch`", tmp_path, set())


def test_an_empty_name_is_no_folder(rawclean, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = rawclean("batch", "")
    assert (result.status, "name of the folder is empty" in result.err) == (2, True)


def test_a_configuration_of_impossible_size(rawclean, sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "rawclean.toml").open("wb") as file:
        os.truncate(file.fileno(), 1 << 31)
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng")
    assert (result.status, "too large for a configuration" in result.err) == (2, True)

import dataclasses
import json
import math
import shutil
import sys
import zipfile
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import torch
from dng_matrix import CASES
from safetensors.torch import load_file

from rawclean import model_choice
from rawclean.core.cfa_family import CfaFamily
from rawclean.core.choices import Quality, Role
from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.core.noise_patches import scaled
from rawclean.core.suspect_sites import FEATURES
from rawclean.engines.choices import DeviceChoice, Precision
from rawclean.engines.openvino_engine import cpu_has_bf16
from rawclean.errors import ModelError
from rawclean.evaluation import publish
from rawclean.evaluation.metrics import raw_psnr
from rawclean.evaluation.publish import Publication, publish_model, torch_denoiser
from rawclean.evaluation.scenes import read_scenes
from rawclean.instruments.noise_meter import NoiseMeter, shipped_meter
from rawclean.instruments.site_judge import SiteJudge, shipped_judge
from rawclean.model_choice import choose_model, model_for
from rawclean.models.cards import ModelCard, NoiseRange
from rawclean.models.manifest import (
    JUDGE,
    METERS,
    find_model,
    list_models,
    read_manifest,
    shipped_weights,
)
from rawclean.models.weights import load_model, load_network, save_instrument, save_weights
from rawclean.networks import build_network
from rawclean.networks.noise_meter import NoiseMeter as TrainedMeter
from rawclean.networks.site_judge import SiteJudge as TrainedJudge
from rawclean.settings import DenoiseSettings

TRAINED = {NoiseMeter: TrainedMeter, SiteJudge: TrainedJudge}


def sigma_noise(sigma: float) -> NoiseModel:
    return NoiseModel.uniform(0.0, sigma**2)


@pytest.mark.parametrize("quality", Quality)
@pytest.mark.parametrize("mosaic", CfaFamily)
@pytest.mark.parametrize("sigma", [1e-9, 1e-4, 0.003, 0.0042, 0.01, 0.02, 0.05, 0.2, 0.99])
def test_there_is_a_model_for_every_noise_of_every_mosaic(sigma, mosaic, quality):
    card = choose_model(sigma_noise(sigma), list_models(), mosaic, quality)
    assert card.mosaic is mosaic
    assert sigma in card.range
    general = choose_model(sigma_noise(sigma), list_models(), mosaic, quality, specialists=False)
    assert general.role is Role.GENERAL


def on(*rungs: Quality) -> list[ModelCard]:
    """A ladder with these rungs."""
    return [dataclasses.replace(find_model("student-general"), name=rung.value, quality=rung) for rung in rungs]


@pytest.mark.parametrize(
    ("there", "wanted", "got"),
    [
        ((Quality.FAST, Quality.STANDARD, Quality.BEST), Quality.STANDARD, "standard"),
        ((Quality.BEST, Quality.FAST), Quality.STANDARD, "fast"),
        ((Quality.FAST, Quality.STANDARD), Quality.BEST, "standard"),
        ((Quality.BEST, Quality.STANDARD), Quality.FAST, "standard"),
    ],
)
def test_where_a_quality_is_missing_the_nearest_lower_one_counts_then_the_nearest_higher(there, wanted, got):
    assert choose_model(sigma_noise(0.01), on(*there), CfaFamily.BAYER, wanted).name == got


def test_a_quality_that_is_not_there_is_said(rawclean, tmp_path, monkeypatch):
    there = [card for card in list_models() if (card.mosaic, card.quality) != (CfaFamily.XTRANS, Quality.BEST)]
    monkeypatch.setattr(model_choice, "list_models", lambda: there)
    source = CASES["xtrans"].write(tmp_path / "in.dng")
    result = rawclean("denoise", source, "-o", tmp_path / "out.dng", "--quality", "best")
    assert result.status == 0
    assert "there is no best model for xtrans mosaics; standard-xtrans is standard" in " ".join(result.err.split())


def test_a_cpu_without_bfloat16_gets_what_is_fast(monkeypatch):
    settings = DenoiseSettings(device=DeviceChoice.CPU)
    monkeypatch.setattr(model_choice, "list_models", lambda: on(*Quality))
    for precision, quality in ((Precision.FP32, "fast"), (Precision.AUTO, "standard" if cpu_has_bf16() else "fast")):
        card = model_for(CfaFamily.BAYER, sigma_noise(0.01), dataclasses.replace(settings, precision=precision))
        assert card.name == quality


def test_a_model_for_another_mosaic_is_refused(rawclean, sample, tmp_path):
    result = rawclean("denoise", sample, "-o", tmp_path / "out.dng", "--model", "student-xtrans")
    assert result.status == 1
    assert "student-xtrans is for xtrans" in result.err


def test_a_range_holds_its_lower_end_only():
    assert 0.1 in NoiseRange(0.1, 0.2)
    assert 0.2 not in NoiseRange(0.1, 0.2)


def test_the_residual_is_less_than_the_noise_and_grows_with_it():
    card = next(card for card in list_models() if card.role is Role.GENERAL)
    left = [sigma * card.share_left(sigma_noise(sigma)) for sigma in (0.001, 0.01, 0.05, 0.1)]
    assert left == sorted(left)
    assert all(after < 0.8 * before for after, before in zip(left, (0.001, 0.01, 0.05, 0.1), strict=True))


def test_weights_carry_network_and_config(tmp_path):
    network = build_network("fan", {"widths": (16, 32), "encoder_blocks": (0, 1), "decoder_blocks": (1, 1)})
    save_weights(tmp_path / "w.safetensors", "fan", network)
    loaded = load_network(tmp_path / "w.safetensors")
    assert loaded.config == network.config
    for name, value in network.state_dict().items():
        assert value.equal(loaded.state_dict()[name])


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x08\0\0\0\0\0\0\0{}      "])
def test_other_files_are_no_weights(tmp_path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="not a rawclean weight file"):
        load_network(tmp_path / "w.safetensors")


def test_a_missing_weight_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="no such weight file; name another"):
        load_network(tmp_path / "none.safetensors")


@pytest.mark.parametrize("text", ["", "[]", '{"models": [{"name": "x"}]}'])
def test_a_damaged_manifest_is_an_error(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match="not a manifest"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", 7),
        ("name", ""),
        ("name", "x" * 65),
        ("file", ".."),
        ("file", ""),
        ("sha256", None),
        ("sha256", "00"),
        ("role", "director"),
        ("parameters", "many"),
        ("sigma_range", [0.2, 0.1]),
        ("sigma_range", "all"),
        ("residual", []),
        ("residual", [[0.1, -1]]),
        ("residual", [[0.1, "x"]]),
        ("multiple_of", 0),
        ("multiple_of", "16"),
        ("halo", 10**9),
        ("halo", -5),
        ("mosaic", "quad"),
        ("answer", {"mean": 0.0, "rms": 0.0, "samples": 12 * [0.0]}),
        ("answer", {"mean": 0.0, "rms": math.nan, "samples": 12 * [0.0]}),
        ("answer", {"mean": 0.0, "rms": 1.0, "samples": []}),
        ("colour", "blue"),
    ],
)
def test_a_card_with_a_value_that_it_cannot_have(tmp_path, key, value):
    manifest = json.loads((shipped_weights() / "manifest.json").read_text())
    manifest["models"][0][key] = value
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=key) as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_manifest_without_end(tmp_path):
    (tmp_path / "manifest.json").write_text('{"models": ' + "[" * 100_000)
    with pytest.raises(ModelError, match="not a manifest"):
        read_manifest(tmp_path)


def test_an_own_model_can_be_added(rawclean, shared, tmp_path, monkeypatch):
    from rawclean.models import manifest

    monkeypatch.setattr(manifest, "user_weights", lambda: tmp_path / "own")
    source = load_model(find_model("student-general"))
    save_weights(tmp_path / "w.safetensors", "fan", source)
    photos = shared / "photos" / "dev"
    for name, more in (("mine", ()), ("smaller", ("--half",))):
        weights = tmp_path / "w.safetensors"
        result = rawclean("models", "add", weights, "--photos", photos, "--name", name, "--limit", 1, *more)
        assert result.status == 0, result.err
    assert "--quality standard takes it from now on for bayer mosaics of all noise" in result.out
    assert choose_model(sigma_noise(0.02), list_models(), CfaFamily.BAYER, Quality.STANDARD).name in ("mine", "smaller")
    assert all((tmp_path / "own" / f"{name}.onnx").stat().st_size < 1e5 for name in ("mine", "smaller"))
    for name, word in (
        ("mine", "--overwrite"),
        ("student-low", "a shipped model has this name"),
        ("../../x", "no name of a model"),
        ("", "no name"),
        ("[/b]", "no name"),
    ):
        refused = rawclean("models", "add", tmp_path / "w.safetensors", "--photos", photos, "--name", name)
        assert (refused.status, word in refused.err, len(refused.err.splitlines())) == (
            1 if name in ("mine", "student-low") else 2,
            True,
            1,
        )
    for own in ("smaller.safetensors", "smaller.onnx"):
        refused = rawclean("models", "export", "smaller", "-o", tmp_path / "own" / own, "--overwrite")
        assert refused.status != 0, own
    manifest_file = tmp_path / "own" / "manifest.json"
    manifest_file.write_text(manifest_file.read_text().replace('"smaller"', '"[/b]"'))
    assert "[/b]" in rawclean("models", "list").out
    manifest_file.write_text(manifest_file.read_text().replace('"[/b]"', '"smaller"'))
    assert {"mine", "smaller"} <= {card["name"] for card in json.loads(rawclean("models", "list", "--json").out)}
    assert rawclean("models", "verify").out.count("ok") == len(list_models())
    sizes = [(tmp_path / "own" / f"{name}.safetensors").stat().st_size for name in ("mine", "smaller")]
    assert sizes[1] < 0.6 * sizes[0]
    answers = {card.name: card.answer for card in read_manifest(tmp_path / "own")}
    assert answers["mine"].distance(find_model("student-general").answer) < 1e-5  # processors round differently
    assert 0 < answers["smaller"].distance(answers["mine"]) < 0.01


def test_models_of_a_user_among_themselves(rawclean, shared, tmp_path, monkeypatch):
    from rawclean.models import manifest

    monkeypatch.setattr(manifest, "user_weights", lambda: tmp_path / "own")
    given = [find_model("student-low").path, "--photos", shared / "photos" / "dev", "--limit", 1]
    names = "mine", 64 * "n", "special"
    said = []
    for name in names:
        more = ["--role", "specialist", "--sigma", 0.01, 0.02] if name == "special" else []
        said.append(" ".join(rawclean("models", "add", *given, "--name", name, *more).out.split()))
    assert ["unless mine is taken" in text for text in said] == [False, True, False]
    assert "for bayer mosaics with sigma 0.01 to 0.02" in said[2]
    chosen = [
        choose_model(sigma_noise(sigma), list_models(), CfaFamily.BAYER, Quality.STANDARD) for sigma in (0.1, 0.015)
    ]
    assert [card.name for card in chosen] == ["mine", "special"]
    assert "no model of yours is named 'teacher'; there are: mine, nnn" in rawclean("models", "remove", "teacher").err
    assert [rawclean("models", "remove", name).status for name in names] == [0, 0, 0]
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["manifest.json"]
    assert rawclean("models", "remove", "mine").status == 2


def test_a_model_that_gives_way_halfway_is_none(shared, tmp_path, monkeypatch):
    """Killed between its files: better no model than one whose digest is another's."""
    save_weights(tmp_path / "w.safetensors", "fan", load_model(find_model("student-general")))
    shutil.copy(find_model("student-low").path, tmp_path / "low.safetensors")
    own, photos = tmp_path / "own", shared / "photos" / "dev"
    publish_model(tmp_path / "w.safetensors", own, Publication("mine", ""), photos, 1)
    monkeypatch.setattr(publish, "add_to_manifest", lambda folder, card: sys.exit(9))
    with pytest.raises(SystemExit):
        publish_model(tmp_path / "low.safetensors", own, Publication("mine", "", overwrite=True), photos, 1)
    assert read_manifest(own) == []
    assert {path.name for path in own.iterdir()} == {"manifest.json", "mine.safetensors", "mine.onnx"}


def test_shipped_onnx_files_leave_their_weights_where_they_are():
    onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
    for card in list_models():
        initializers = onnx.load(card.onnx_path, load_external_data=False).graph.initializer
        outside = [each for each in initializers if each.data_location == onnx.TensorProto.EXTERNAL]
        places = {entry.value for each in outside for entry in each.external_data if entry.key == "location"}
        assert places == {card.path.name}
        assert sum(math.prod(each.dims) for each in outside) > 0.95 * card.parameters


@pytest.mark.slow
def test_the_wheel_holds_every_weight_file(tmp_path):
    from build import ProjectBuilder

    repository = Path(__file__).parents[2]
    if not (repository / "pyproject.toml").exists():
        pytest.skip("not a checkout of the project")
    wheel = ProjectBuilder(repository).build("wheel", tmp_path)
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {card.path.name for card in read_manifest(shipped_weights())} | {"manifest.json", "README.md"}
    assert {f"rawclean/weights/{name}" for name in files} <= names
    assert "rawclean/training/recipes/student.toml" in names
    assert "rawclean/io/noise_profiles.json" in names
    scripts = {"darktable.lua.j2", "open_with.sh.j2", "open_with.desktop.j2", "gimp_plugin.py.j2"}
    assert {f"rawclean/integrations/{name}" for name in scripts} <= names


LADDERS = {Quality.FAST: 4, Quality.STANDARD: 2}
"""How many specialists a rung has."""


def ladder(quality: Quality) -> list[ModelCard]:
    """The models of a rung by rising noise; what no specialist is for, the general one is."""
    cards = [card for card in list_models() if card.quality is quality and card.mosaic is CfaFamily.BAYER]
    rising = sorted((card for card in cards if card.role is Role.SPECIALIST), key=lambda card: card.range.low)
    general = next(card for card in cards if card.role is Role.GENERAL)
    return rising if rising[0].range.low == 0 else [general, *rising]


@pytest.mark.parametrize("quality", LADDERS)
def test_the_specialists_cover_the_strongest_noise_without_gap_or_overlap(quality):
    specialists = [card.range for card in ladder(quality) if card.role is Role.SPECIALIST]
    assert len(specialists) == LADDERS[quality]
    assert specialists[-1].high == math.inf
    assert all(lower.high == upper.low for lower, upper in pairwise(specialists))


@pytest.mark.parametrize("quality", LADDERS)
def test_neighbours_agree_where_their_ranges_meet(shared, quality):
    """Within 0.05 dB, so that two photos of nearly the same noise look alike."""
    scenes = list(read_scenes(shared / "photos" / "dev", limit=12))
    for lower, upper in pairwise(ladder(quality)):
        shot = next(shot for shot in np.logspace(-5, -1, 500).tolist() if sigma_of(shot) >= upper.range.low)
        means = []
        for card in (lower, upper):
            denoise = torch_denoiser(load_model(card))
            means.append(fmean(raw_psnr(denoise(*scene.noisy(shot)), scene.clean) for scene in scenes))
        assert means[0] == pytest.approx(means[1], abs=0.05), (lower.name, upper.name)


def sigma_of(shot: float) -> float:
    return NoiseModel.uniform(shot, read_on_line(shot)).sigma_at()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    network = build_network("fan", {})
    with torch.no_grad():
        next(network.parameters()).fill_(value)
    save_weights(tmp_path / "a.safetensors", "fan", network)
    with pytest.raises(ModelError, match="not finite"):
        load_network(tmp_path / "a.safetensors")


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("instrument", [NoiseMeter, SiteJudge])
def test_instruments_that_are_not_finite_are_refused(tmp_path, instrument, value):
    network = TRAINED[instrument]()
    with torch.no_grad():
        next(network.parameters()).view(-1)[-1] = value
    save_instrument(tmp_path / "a.safetensors", network)
    with pytest.raises(ModelError, match="not finite"):
        instrument.load(tmp_path / "a.safetensors")


def test_the_weights_of_another_instrument_are_refused(tmp_path):
    save_instrument(tmp_path / "a.safetensors", TrainedJudge())
    with pytest.raises(ModelError, match="another network"):
        NoiseMeter.load(tmp_path / "a.safetensors")


def test_instruments_say_what_the_networks_say_that_were_trained():
    rng = np.random.default_rng(0)
    meter = TrainedMeter()
    meter.load_state_dict(load_file(shipped_weights() / METERS[CfaFamily.BAYER]))
    patches = scaled(rng.normal(0.3, 0.02, (20, 4, 32, 32)).astype(np.float32))
    ratio, log_sd, correlation = (each.detach().numpy() for each in meter(torch.from_numpy(patches.values)))
    readings = shipped_meter(CfaFamily.BAYER).read(patches)
    assert np.allclose(readings.log_sigma, np.log(patches.scale) + ratio, atol=1e-4)
    assert np.allclose(readings.log_sd, log_sd, atol=1e-4)
    assert np.allclose(readings.correlation, correlation, atol=1e-4)
    judge = TrainedJudge()
    judge.load_state_dict(load_file(shipped_weights() / JUDGE))
    features = rng.standard_normal((50, FEATURES)).astype(np.float32)
    assert np.allclose(shipped_judge().answers(features), judge(torch.from_numpy(features)).detach().numpy(), atol=1e-3)

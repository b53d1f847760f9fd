"""The training loop: what it writes, and that it goes on where it was."""

import csv
import dataclasses
import math
import pickle
from pathlib import Path

import pytest
import torch

from rawclean.engines.choices import Precision
from rawclean.errors import TrainingError
from rawclean.models.weights import load_network, save_weights
from rawclean.networks import build_network
from rawclean.synthesis.noise_draw import NoiseRangeConfig
from rawclean.training import loop
from rawclean.training.config import Stage, TrainConfig
from rawclean.training.dataset import PhotoCrops
from rawclean.training.loop import train
from rawclean.training.losses.table import LossWeights

CPU = torch.device("cpu")
TINY = TrainConfig(
    network_config={"widths": (16, 16), "encoder_blocks": (0, 0), "decoder_blocks": (1, 1)},
    steps=6,
    warmup=2,
    precision=Precision.FP32,
    stages=(Stage(until=0.5, batch=2, crop=32), Stage(until=1.0, batch=1, crop=48)),
)


def crops() -> PhotoCrops:
    rng = torch.Generator().manual_seed(1)
    photos = [torch.randint(0, 256, (3, 96, 128), generator=rng, dtype=torch.uint8) for _ in range(3)]
    return PhotoCrops(photos, TINY.synthesis, CPU)


def quietly(step: int, loss: float) -> None:
    """Report nothing."""


def test_six_steps_make_weights_and_a_log(tmp_path):
    weights = train(TINY, crops(), tmp_path / "run", CPU, quietly)
    assert load_network(weights).config.widths == (16, 16)
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["6"]
    assert math.isfinite(float(rows[0]["loss"]))


def test_a_network_for_xtrans_is_trained_on_its_mosaic(tmp_path):
    config = dataclasses.replace(
        TINY,
        network_config=TINY.network_config | {"mosaic": "xtrans"},
        stages=(Stage(until=1.0, batch=2, crop=36),),
    )
    rng = torch.Generator().manual_seed(1)
    photos = [torch.randint(0, 256, (3, 96, 128), generator=rng, dtype=torch.uint8)]
    xtrans_crops = PhotoCrops(photos, config.synthesis, CPU)
    assert xtrans_crops.draw(2, 36, rng).clean.shape == (2, 9, 12, 12)
    network = load_network(train(config, xtrans_crops, tmp_path / "run", CPU, quietly))
    assert network.mosaic.value == "xtrans"


@pytest.fixture
def fan_as_teacher(tmp_path):
    """Weights of a network that is no `teacher`."""
    torch.manual_seed(0)
    save_weights(tmp_path / "fan.safetensors", "fan", build_network("fan", TINY.network_config | {"widths": (24, 32)}))
    return str(tmp_path / "fan.safetensors")


LEARNING = LossWeights(
    output_matching=0.1, cross_attention=0.1, contrast=0.1, aggregated_features=0.1, adversarial=0.2, layers=(0, 1)
)


@pytest.mark.parametrize("losses", [LossWeights(), LEARNING], ids=["plain", "losses that learn"])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch, losses, fan_as_teacher):
    config = dataclasses.replace(TINY, losses=losses, teacher=fan_as_teacher)
    straight = load_network(train(config, crops(), tmp_path / "a", CPU, quietly))

    def kill(step: int, loss: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
        patch.setattr(loop, "LOG_EVERY", 4)
        with pytest.raises(KeyboardInterrupt):
            train(config, crops(), tmp_path / "b", CPU, kill)
    assert torch.load(tmp_path / "b" / "checkpoint.pt", weights_only=True)["step"] == 3
    resumed = load_network(train(config, crops(), tmp_path / "b", CPU, quietly))
    for name, value in straight.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_checkpoint_from_before_losses_learned_is_resumed(tmp_path):
    path = train(TINY, crops(), tmp_path / "run", CPU, quietly).with_name("checkpoint.pt")
    content = torch.load(path, weights_only=True)
    assert content.pop("losses") == {}
    torch.save(content, path)
    assert train(TINY, crops(), tmp_path / "run", CPU, quietly).exists()


@pytest.mark.parametrize(
    ("changes", "origin", "named"),
    [
        ({"learning_rate": 1e-4}, "", "another learning_rate;"),
        ({"seed": 5, "ema": 0.5}, "", "another ema, seed;"),
        ({"noise": NoiseRangeConfig(shot_min=1e-4)}, "", "another noise;"),
        ({"network_config": TINY.network_config | {"widths": (16, 24)}}, "", "another network_config;"),
        ({}, "others", "another photos;"),
        ({"start": "fan.safetensors"}, "", "another start;"),
    ],
)
def test_a_run_that_was_begun_with_something_else_does_not_go_on(tmp_path, fan_as_teacher, changes, origin, named):
    train(TINY, crops(), tmp_path / "run", CPU, quietly)
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    if "start" in changes:
        changes = {"start": fan_as_teacher, "network_config": {}}
    given = PhotoCrops([torch.zeros(3, 96, 96, dtype=torch.uint8)], TINY.synthesis, CPU, origin)
    with pytest.raises(TrainingError, match=named if "start" not in changes else "network_config, start;"):
        train(dataclasses.replace(TINY, steps=9, **changes), given, tmp_path / "run", CPU, quietly)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_the_same_start_from_another_place_is_the_same(tmp_path, fan_as_teacher):
    config = dataclasses.replace(TINY, start=fan_as_teacher, network_config={})
    train(config, crops(), tmp_path / "run", CPU, quietly)
    moved = Path(fan_as_teacher).rename(tmp_path / "moved.safetensors")
    longer = dataclasses.replace(config, start=str(moved), steps=7)
    train(longer, crops(), tmp_path / "run", CPU, quietly)
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 7


@pytest.mark.parametrize(
    "content", [b"", b"no checkpoint", b"PK\x05\x06" + 18 * b"\0", pickle.dumps([1]), "list", "other"]
)
def test_what_is_no_checkpoint_is_told_in_a_line(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save([1, 2] if content == "list" else {"step": 1, "generators": [0], "network": {}}, path)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt: .*train in another folder") as caught:
        train(TINY, crops(), tmp_path, CPU, quietly)
    assert len(str(caught.value)) < 300


def test_the_log_forgets_steps_that_were_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "LOG_EVERY", 2)
    train(dataclasses.replace(TINY, steps=2), crops(), tmp_path, CPU, quietly)
    with (tmp_path / "log.csv").open("a") as log:
        log.write("4,-1.0,1e-3,0\r\n")  # as one that is killed leaves behind
    train(TINY, crops(), tmp_path, CPU, quietly)
    rows = csv.DictReader((tmp_path / "log.csv").read_text().splitlines())
    assert [(row["step"], row["loss"] == "-1.0") for row in rows] == [("2", False), ("4", False), ("6", False)]


@pytest.mark.parametrize("width", [1 << 16, 1 << 22, 1 << 40])
@pytest.mark.parametrize("start", [False, True])
def test_a_network_that_no_memory_holds_is_told(tmp_path, fan_as_teacher, width, start):
    fields = TINY.network_config | {"widths": (width, width)}
    config = dataclasses.replace(TINY, network_config=fields, start=fan_as_teacher if start else None)
    with pytest.raises(TrainingError, match="memory does not suffice"):
        train(config, crops(), tmp_path, CPU, quietly)


def test_a_batch_that_no_memory_holds_is_told(tmp_path):
    config = dataclasses.replace(TINY, stages=(Stage(until=1.0, batch=1 << 30, crop=64),))
    with pytest.raises(TrainingError, match="memory does not suffice"):
        train(config, crops(), tmp_path, CPU, quietly)


def test_what_training_alone_needs_is_not_in_the_weights(tmp_path):
    fields = TINY.network_config | {"gates": True, "regulated": True}
    config = dataclasses.replace(TINY, network_config=fields, losses=LossWeights(gate_cost=1.0))
    network = load_network(train(config, crops(), tmp_path / "run", CPU, quietly))
    assert not network.config.gates
    assert not network.config.regulated


def test_training_lowers_the_loss(tmp_path, monkeypatch):
    losses: list[float] = []
    config = dataclasses.replace(TINY, steps=60)
    monkeypatch.setattr(loop, "LOG_EVERY", 20)
    photos = [torch.full((3, 64, 64), code, dtype=torch.uint8) for code in (40, 120, 200)]
    train(
        config, PhotoCrops(photos, TINY.synthesis, CPU), tmp_path / "run", CPU, lambda step, loss: losses.append(loss)
    )
    assert losses[-1] < losses[0] - 0.3


def test_a_run_starts_from_weights_that_grow_to_its_recipe(tmp_path, fan_as_teacher):
    larger = TINY.network_config | {"widths": (24, 40), "encoder_blocks": (0, 1)}
    config = dataclasses.replace(TINY, start=fan_as_teacher, network_config=larger, steps=1, learning_rate=1e-6)
    network = load_network(train(config, crops(), tmp_path / "run", CPU, quietly))
    assert network.config.widths == (24, 40)
    assert network.config.encoder_blocks == (0, 1)
    start = load_network(Path(fan_as_teacher)).state_dict()
    assert torch.allclose(network.state_dict()["head.weight"], start["head.weight"], atol=1e-4)


def test_what_a_recipe_leaves_out_its_start_has(tmp_path, fan_as_teacher):
    config = dataclasses.replace(TINY, start=fan_as_teacher, network_config={"decoder_blocks": (1, 2)}, steps=1)
    network = load_network(train(config, crops(), tmp_path / "run", CPU, quietly))
    assert (network.config.widths, network.config.decoder_blocks) == ((24, 32), (1, 2))


def test_a_run_does_not_start_from_weights_that_are_larger(tmp_path, fan_as_teacher):
    config = dataclasses.replace(TINY, start=fan_as_teacher, network_config=TINY.network_config | {"widths": (16, 32)})
    with pytest.raises(TrainingError, match="widths is smaller"):
        train(config, crops(), tmp_path / "run", CPU, quietly)


def test_a_run_that_diverges_keeps_its_good_weights(tmp_path):
    train(TINY, crops(), tmp_path, CPU, quietly)
    before = (tmp_path / "weights.safetensors").read_bytes()
    content = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    content["network"] = {name: value * 1e30 for name, value in content["network"].items()}
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="lower the recipe's learning_rate"):
        train(dataclasses.replace(TINY, steps=9), crops(), tmp_path, CPU, quietly)
    assert (tmp_path / "weights.safetensors").read_bytes() == before


def test_crops_that_do_not_fit_the_network_are_told(tmp_path):
    config = dataclasses.replace(TINY, stages=(Stage(until=1.0, batch=1, crop=50),))
    with pytest.raises(TrainingError, match="crops of 50 do not fit this network; take a multiple of 4"):
        train(config, crops(), tmp_path, CPU, quietly)


def test_numbers_near_zero_do_not_slow_a_run_down(tmp_path):
    seen: list[float] = []
    torch.set_flush_denormal(False)
    train(TINY, crops(), tmp_path / "run", CPU, lambda step, loss: seen.append(float(torch.tensor(1e-40) * 1.5)))
    assert seen == [0.0]

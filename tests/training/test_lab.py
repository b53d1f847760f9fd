"""A lab of a few steps: what it writes, that it goes on where it was, and which files are no labs."""

import dataclasses
import json
from xml.etree import ElementTree

import pytest
import torch
from PIL import Image

from rawclean.engines.choices import Precision
from rawclean.errors import RawcleanError, TrainingError
from rawclean.evaluation import lab_score
from rawclean.evaluation.lab_report import lab_rows, to_markdown
from rawclean.evaluation.lab_score import LabScore, product_engine
from rawclean.lab import run_lab
from rawclean.models.weights import save_weights
from rawclean.networks import build_network
from rawclean.networks.contract import count_gmac_per_megapixel
from rawclean.training.config import Stage, TrainConfig, shipped_recipe
from rawclean.training.lab import LabConfig, LabNetwork, cells, read_lab
from rawclean.training.losses.table import LossWeights

CPU = torch.device("cpu")
TINY = {"widths": [8, 8], "encoder_blocks": [0, 0], "decoder_blocks": [1, 1]}


@pytest.fixture
def quick(monkeypatch):
    """Torch, and small tiles: what is measured here is no speed."""
    monkeypatch.setattr(lab_score, "openvino_is_installed", lambda: False)
    monkeypatch.setattr(lab_score, "TIMED_SIDE", 32)


@pytest.fixture
def lab(tmp_path) -> LabConfig:
    """Two networks, with and without a teacher."""
    for name in ("train", "dev"):
        (tmp_path / name).mkdir()
        Image.linear_gradient("L").resize((160, 96)).convert("RGB").save(tmp_path / name / "a.png")
    torch.manual_seed(0)
    save_weights(tmp_path / "t.safetensors", "fan", build_network("fan", TINY | {"widths": [16, 16]}))
    recipe = TrainConfig(
        teacher=str(tmp_path / "t.safetensors"),
        steps=2,
        warmup=1,
        precision=Precision.FP32,
        stages=(Stage(until=1.0, batch=1, crop=64),),
    )
    return LabConfig(
        networks={
            "fan": LabNetwork("fan", TINY),
            "mdrn": LabNetwork("mdrn", {"width": 8, "degraded_width": 8, "depths": [1]}, learning_rate=1e-3),
        },
        losses={"none": LossWeights(), "hmds": LossWeights(output_matching=0.5, adapted_features=0.5, layers=(1,))},
        photos=(str(tmp_path / "train"),),
        dev=str(tmp_path / "dev"),
        seeds=(0,),
        recipe=recipe,
    )


def test_a_lab_that_was_stopped_goes_on_where_it_was(lab, quick, tmp_path):
    trained: list[str] = []

    def stop_in_the_second(cell: str, step: int, loss: float) -> None:
        trained.append(cell)
        if len(trained) == 2:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_lab(lab, out, CPU, stop_in_the_second)
    assert len(json.loads((out / "lab.json").read_text())["cells"]) == 1
    first = (out / "fan" / "none" / "seed-0" / "score.json").stat().st_mtime_ns
    rows = run_lab(lab, out, CPU, lambda cell, step, loss: trained.append(cell))
    names = [f"{network}, {loss}, seed 0" for network in lab.networks for loss in lab.losses]
    assert trained == [names[0], names[1], *names[1:]]
    assert (out / "fan" / "none" / "seed-0" / "score.json").stat().st_mtime_ns == first
    assert [(row.network, row.loss) for row in rows] == [
        ("fan", "none"),
        ("fan", "hmds"),
        ("mdrn", "none"),
        ("mdrn", "hmds"),
    ]
    assert all(20 < row.mean < 80 and row.seconds_per_megapixel > 0 for row in rows)
    assert rows[0].gmac_per_megapixel == pytest.approx(count_gmac_per_megapixel(build_network("fan", TINY)))
    assert run_lab(lab, out, CPU, lambda cell, step, loss: pytest.fail("trained again")) == rows


def test_a_lab_is_run_by_a_command(lab, quick, rawclean, tmp_path):
    (tmp_path / "lab.toml").write_text(LAB)
    given = ["--photos", lab.photos[0], "--dev", lab.dev, "--teacher", lab.recipe.teacher, "--steps", 1]
    result = rawclean("train", "lab", tmp_path / "lab.toml", "--out", tmp_path / "out", *given)
    assert result.status == 0, result.err
    assert "| small | none | 2 |" in result.out
    written = (tmp_path / "out" / "lab.md").read_text()
    assert written.rstrip() == result.out.rstrip()
    cells = json.loads((tmp_path / "out" / "lab.json").read_text())["cells"]
    assert [cell["seeds"] for cell in cells] == [2, 2]
    assert all(cell["faults_blind"] > 20 for cell in cells)
    drawing = ElementTree.parse(tmp_path / "out" / "lab.svg").getroot()
    texts = {element.text for element in drawing.iter() if element.tag.endswith("text")}
    assert {"small", "none", "told"} <= texts


LAB = """
sensor_photos = 1
[networks.small]
network_config = { widths = [8], encoder_blocks = [0], decoder_blocks = [0] }
[losses.none]
[losses.told]
output_matching = 1.0
[recipe]
precision = "fp32"
[[recipe.stages]]
until = 1.0
batch = 1
crop = 32
"""


def test_a_cell_of_another_recipe_is_not_overwritten(lab, quick, tmp_path):
    lab = dataclasses.replace(lab, networks={"fan": lab.networks["fan"]}, losses={"none": LossWeights()})
    run_lab(lab, tmp_path / "out", CPU, lambda cell, step, loss: None)
    longer = dataclasses.replace(lab, recipe=dataclasses.replace(lab.recipe, steps=3))
    with pytest.raises(TrainingError, match="another recipe"):
        run_lab(longer, tmp_path / "out", CPU, lambda cell, step, loss: None)
    Image.linear_gradient("L").resize((96, 96)).save(tmp_path / "train" / "b.png")
    with pytest.raises(TrainingError, match="on other photos"):
        run_lab(lab, tmp_path / "out", CPU, lambda cell, step, loss: None)


@pytest.mark.parametrize("lacking", ["dev", "teacher"])
def test_what_a_lab_needs_last_is_looked_for_first(lab, tmp_path, lacking):
    lab = dataclasses.replace(lab, recipe=dataclasses.replace(lab.recipe, teacher=str(tmp_path / "none.safetensors")))
    if lacking == "dev":
        lab = dataclasses.replace(lab, dev=str(tmp_path / "none"))
    with pytest.raises(RawcleanError, match=r"none.*: no such"):
        run_lab(lab, tmp_path / "out", CPU, lambda cell, step, loss: pytest.fail("trained"))
    assert not (tmp_path / "out").exists()


def test_the_engine_of_the_lab_is_that_of_the_product(tmp_path):
    pytest.importorskip("openvino", reason="OpenVINO is not installed")
    pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
    network = build_network("fan", {"widths": [8], "encoder_blocks": [0], "decoder_blocks": [0]})
    assert product_engine(network.eval(), tmp_path / "a.onnx").name.startswith("openvino cpu")


def score(mean: float, seconds: float) -> LabScore:
    return LabScore((mean,) * 5, None, None, 1000, 1.0, seconds, "torch cpu float32")


def test_the_front_is_of_those_that_none_is_faster_and_better_than():
    rows = lab_rows(
        {
            ("slow", "best"): [score(46.0, 0.03), score(46.2, 0.04)],
            ("fast", "worst"): [score(45.0, 0.011)],
            ("fast", "good"): [score(45.5, 0.010)],
            ("middle", "useless"): [score(45.4, 0.02)],
        }
    )
    assert [row.on_front for row in rows] == [True, False, True, False]
    assert rows[0].mean == pytest.approx(46.1)
    assert rows[0].spread == pytest.approx(0.1414, abs=1e-3)
    assert [row.seconds_per_megapixel for row in rows] == [0.03, 0.01, 0.01, 0.02]  # a network costs one time
    assert "**46.100**" in to_markdown(rows, 10)


def test_the_shipped_lab_compares_all_systems_at_equal_terms():
    lab = read_lab(shipped_recipe("lab"), lab={"photos": ["train"], "dev": "dev"}, recipe={"teacher": "t"})
    found = list(cells(lab))
    assert len({cell.folder for cell in found}) == len(found) == 4 * 5 * 2
    assert len({(cell.config.steps, cell.config.stages, cell.config.noise, cell.config.told) for cell in found}) == 1
    for name, row in lab.networks.items():
        network = build_network(row.network, row.network_config)
        assert count_gmac_per_megapixel(network) <= (2.7 if name == "fan_published" else 4.91), name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not toml [", "not a lab"),
        ("[losses.none]", "networks: missing"),
        ("[networks.a]\nnetwork = 'none'\n[losses.none]", "networks['a']: unknown network 'none'"),
        ("[networks.a]\n[losses.b]\nwrong = 1", "losses['b']: wrong is unknown"),
        ("[networks.a]\n[losses.b]\n[recipe]\nsteps = 0", "steps is at least 1"),
        ("seeds = []\n[networks.a]\n[losses.b]", "at least one of the seeds"),
        ("[networks.'../a']\n[losses.b]", "no name for a cell"),
        ("[networks.a]\n[losses.'b|c']", "no name for a cell"),
        ("[networks.a]\nlearning_rate = 0\n[losses.b]", "learning_rate is above 0"),
        ("[networks.a]\n[losses.b]\nrelative_error = 0", "one of the losses has a weight above 0"),
        ("[networks.a]\n[losses.b]", "give folders with --photos and --dev"),
        ("photos = ['a']\ndev = 'b'\n[networks.a]\n[losses.b]\nfeature_hints = 1", "--teacher"),
    ],
)
def test_a_bad_lab_is_named_with_the_place(tmp_path, text, reason):
    (tmp_path / "l.toml").write_text(text)
    with pytest.raises(TrainingError, match=r"l\.toml") as caught:
        read_lab(tmp_path / "l.toml", lab={}, recipe={})
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)

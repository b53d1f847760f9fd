import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import platformdirs
import pytest
from dng_factory import READ, SHOT, make_frame, write_dng
from PIL import Image

from rawclean.core.frame import Camera
from rawclean.core.noise import NoiseModel
from rawclean.core.printable import plain_latin, printable
from rawclean.evaluation.drawing import Anchor, Box, Dot, Drawing, Line, Words, to_png, to_svg
from rawclean.evaluation.noise_chart import NoiseChart, Witness, draw, rows_by_brightness
from rawclean.instruments.measured_noise import NoisePoint
from rawclean.io.noise_profiles import add_profile
from rawclean.io.tiff import tags

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path_factory):
    """A configuration folder of the test's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(platformdirs, "user_config_path", lambda name: folder / name)


@pytest.fixture
def photo(tmp_path):
    return write_dng(tmp_path / "photo.dng", make_frame((256, 384)))


def test_the_terminal_shows_points_and_witnesses(rawclean, photo):
    result = rawclean("noise", photo)
    assert result.status == 0
    for text in ("signal", "Gr", "Gb", "Maker One", "NoiseProfile tag", "the photo itself", "conclusion"):
        assert text in result.out
    assert f"shot {SHOT:.3e}  read {READ:.3e}" in result.out


def test_json_has_what_the_table_has(rawclean, photo):
    facts = json.loads(rawclean("noise", photo, "--json").out)
    names = [witness["name"] for witness in facts["witnesses"]]
    assert names[0] == "NoiseProfile tag"
    assert names[-1] == "conclusion"
    assert facts["shot"] == facts["witnesses"][-1]["shot"]
    assert {point["plane"] for point in facts["points"]} == {0, 1, 2, 3}


def test_what_was_not_asked_is_shown_for_comparison(rawclean, photo):
    add_profile(Camera("Maker", "Maker One"), 800, (2e-3, 3e-6), overwrite=False)
    asked = json.loads(rawclean("noise", photo, "--iso", 800, "--json").out)
    names = [witness["name"] for witness in asked["witnesses"]]
    assert names == ["camera profile", "the photo itself", "typical camera (for comparison)", "conclusion"]
    told = json.loads(rawclean("noise", photo, "--noise", "1e-3,2e-6", "--json").out)
    assert told["shot"] == [pytest.approx(1e-3)] * 4


def test_a_chart_as_svg(rawclean, photo, tmp_path):
    assert rawclean("noise", photo, "-o", tmp_path / "noise.svg").status == 0
    root = ET.parse(tmp_path / "noise.svg").getroot()
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert any(text.startswith("NoiseProfile tag: ") for text in texts)
    assert "Maker One, ISO unknown" in texts
    assert len({dot.get("fill") for dot in root.iter(f"{SVG}circle")}) == 4
    assert len(list(root.iter(f"{SVG}circle"))) > 20


def test_a_chart_as_png(rawclean, photo, tmp_path):
    assert rawclean("noise", photo, "-o", tmp_path / "noise.PNG", "--quiet") == (0, "", "")
    pixels = np.asarray(Image.open(tmp_path / "noise.PNG").convert("RGB"))
    assert pixels.shape == (1120, 1720, 3)
    for colour in ((0xD1, 0x34, 0x2F), (0x12, 0x90, 0x8E), (0x2B, 0x62, 0xD9)):
        assert (pixels == colour).all(-1).sum() > 50


def test_a_chart_as_html(rawclean, photo, tmp_path):
    assert rawclean("noise", photo, "-o", tmp_path / "noise.html").status == 0
    page = (tmp_path / "noise.html").read_text()
    assert page.count("<svg") == 1
    assert '<table id="points">' in page
    assert "src=" not in page
    assert "href=" not in page


def test_text_of_the_file_stays_text(rawclean, tmp_path):
    camera = Camera("<b>Maker & Co", "<b>Maker & Co \x1b[31mOne")
    path = write_dng(tmp_path / "[red]<i>.dng", dataclasses.replace(make_frame((256, 384)), camera=camera))
    for name in ("noise.svg", "noise.html", "noise.png"):
        result = rawclean("noise", path, "-o", tmp_path / name)
        assert result.status == 0
        assert "\x1b" not in result.out.replace("\x1b[0m", "")
    root = ET.parse(tmp_path / "noise.svg").getroot()
    assert any("<b>Maker & Co ?[31mOne" in (element.text or "") for element in root.iter(f"{SVG}text"))
    page = (tmp_path / "noise.html").read_text()
    assert "<b>" not in page
    assert "<i>" not in page


def test_columns_have_different_names(rawclean, tmp_path):
    frame = make_frame((256, 384))
    path = write_dng(tmp_path / "untagged.dng", frame, dropped=[tags.NOISE_PROFILE])
    for options in (("--iso", 100), ("--iso", 400)):
        head = next(line for line in rawclean("noise", path, *options).out.splitlines() if "Gb" in line)
        names = [name for name in re.split(r"[^\w -]+", head) if name.strip()]
        assert len(names) == len(set(names)) == 9
        assert any("typical" in name for name in names)


@pytest.fixture
def refuse(rawclean, tmp_path):
    """Expect one line that holds `message`, and nothing written."""

    def run(message, *arguments, status=1):
        kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        result = rawclean("noise", *arguments)
        assert result.status == status
        assert result.out == ""
        assert len(result.err.strip().splitlines()) == 1, result.err
        assert message in result.err
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept

    return run


def test_outputs_that_cannot_be(refuse, photo, tmp_path):
    refuse(".svg, .png or .html", photo, "-o", tmp_path / "noise.pdf", status=2)
    refuse("no such folder", photo, "-o", tmp_path / "none" / "noise.svg")
    (tmp_path / "noise.svg").write_text("precious")
    refuse("--overwrite", photo, "-o", tmp_path / "noise.svg")


@pytest.mark.parametrize(
    ("value", "reason"), [(512, "all black"), (0, "all black"), (16383, "all saturated"), (3000, "everywhere")]
)
def test_photos_without_a_photo(refuse, tmp_path, value, reason):
    frame = make_frame((64, 96))
    path = write_dng(tmp_path / "empty.dng", frame.with_samples(np.full((64, 96), float(value), np.float32)))
    refuse(reason, path, "-o", tmp_path / "noise.svg")


def test_bad_noise_is_refused(refuse, photo, tmp_path):
    refuse("no such file", tmp_path / "none.dng")


def points_on(noise: NoiseModel):
    signals = (-1e-5, 3e-4, 0.004, 0.03, 0.2, 0.7)
    return [NoisePoint(plane, at, float(noise.shot[0]) * max(at, 0) + 1e-5, 10) for plane in range(4) for at in signals]


def test_points_of_a_witness_lie_on_its_line():
    noise = NoiseModel.uniform(1e-3, 1e-5)
    picture = draw(NoiseChart("title", "subtitle", points_on(noise), [Witness("it", noise, "it", concludes=True)]))
    line = next(shape for shape in picture.shapes if isinstance(shape, Line) and len(shape.places) > 50)
    x, y = (np.array(values) for values in zip(*line.places, strict=True))
    dots = [shape.place for shape in picture.shapes if isinstance(shape, Dot) and shape.place[0] < picture.width - 360]
    assert len(dots) >= 8
    for at, height in dots:
        assert np.interp(at, x, y) == pytest.approx(height, abs=1)


def test_rows_go_from_dark_to_bright():
    noise = NoiseModel.uniform(1e-3, 1e-5)
    rows = list(rows_by_brightness(points_on(noise), [Witness("it", noise, "it")]))
    assert [row.signal for row in rows] == sorted(row.signal for row in rows)
    assert len(rows) == 5  # the two darkest share one
    assert rows[-1].measured == pytest.approx([0.0266] * 4, rel=0.01)
    assert rows[-1].stated == pytest.approx([0.0266], rel=0.01)
    assert rows[-1].cells[0] == "70"


def test_a_chart_without_points_has_its_lines():
    picture = draw(NoiseChart("t", "s", [], [Witness("it", NoiseModel.uniform(1e-3, 0.0), "it")]))
    assert ET.fromstring(to_svg(picture)).tag == f"{SVG}svg"
    assert to_png(picture)


def test_svg_and_png_agree():
    """Where a shape is in one it is in the other."""
    shapes = [
        Box((10, 10), (30, 20), "#00ff00"),
        Line([(40, 50), (90, 50)], "#ff0000", 4),
        Dot((70, 20), 6, "#0000ff"),
        Words((50, 80), "Ümläut 日", 12, "#000000", Anchor.MIDDLE),
    ]
    drawing = Drawing(100, 100, shapes, "a & b")
    pixels = np.asarray(Image.open(io.BytesIO(to_png(drawing))).convert("RGB"))
    assert tuple(pixels[30, 40]) == (0, 255, 0)
    assert tuple(pixels[100, 130]) == (255, 0, 0)
    assert tuple(pixels[40, 140]) == (0, 0, 255)
    assert pixels[140:162, 40:160].min() < 100
    root = ET.fromstring(to_svg(drawing))
    assert root.find(f"{SVG}title").text == "a & b"
    assert [child.tag.removeprefix(SVG) for child in root][2:] == ["rect", "polyline", "circle", "text"]


def test_text_is_made_harmless():
    assert printable("a\x1b[0m\nb\udce9é日") == "a?[0m?b?é日"
    assert plain_latin("Zürich, Café 日") == "Zurich, Cafe ?"

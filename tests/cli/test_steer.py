"""What of the noise is taken away: of brightness, of colour, and by the ISO of a photo."""

import json

import numpy as np
import pytest

from rawclean.io.raw import read_raw

HALF_A_CODE = 0.5 / (16383 - 512) / 4  # the sample has 14 bits, a result two more


@pytest.fixture
def left(rawclean, sample, tmp_path):
    """What options leave of the noise that is found in the sample: planes (4, H, W), linear."""

    def planes(*options):
        out = tmp_path / "out.dng"
        assert rawclean("denoise", sample, "-o", out, "-q", "--overwrite", *options).status == 0
        frame = read_raw(out).frame
        return frame.layout.pack(frame.levels.to_linear(frame.samples))

    whole = planes("--strength", 1)
    return lambda *options: planes(*options) - whole


def balanced(sample, planes):
    """White-balanced R, G and B (3, H, W)."""
    gains = np.array(read_raw(sample).frame.colour.wb_gains)
    return np.stack([planes[0], (planes[1] + planes[2]) / 2, planes[3]]) * gains[:, None, None]


def test_grain_has_no_colour(sample, left):
    grain = balanced(sample, left("--grain", "strong"))
    assert np.std(grain[1]) > 0.005
    assert np.percentile(np.ptp(grain, axis=0), 99) < 0.05 * np.std(grain[1])  # clipped samples stay as they are


def test_grain_is_what_luminance_leaves(left):
    for grain, luminance in (("0.3", "0.7"), ("medium", "0.7"), ("100:0.4,6400:0.4", "0.6")):
        assert np.abs(left("--grain", grain) - left("--luminance", luminance)).max() <= 2 * HALF_A_CODE


def test_colour_is_left_where_it_is_wanted(sample, left):
    colour = balanced(sample, left("--colour", "0"))
    assert np.std(colour[0] - colour[2]) > 0.02


@pytest.mark.parametrize(("iso", "share"), [("100", "0.4"), ("800", "0.7"), ("6400", "1"), ("25600", "1")])
def test_strength_follows_the_iso(left, iso, share):
    assert np.array_equal(left("--iso", iso, "--strength", "100:0.4,6400:1"), left("--iso", iso, "--strength", share))


@pytest.mark.parametrize("said", ["2", "nan", "much", "100:0.4,50:1", "100:2,200:1", "1:2:3", "", ",", "0:1,100:1"])
@pytest.mark.parametrize("option", ["--strength", "--luminance", "--colour", "--grain"])
def test_what_is_no_share_is_refused(rawclean, sample, option, said):
    result = rawclean("denoise", sample, option, said)
    assert result.status == 2
    assert "100:0.4,6400:1" in result.err


def test_grain_and_luminance_together_are_refused(rawclean, sample):
    result = rawclean("denoise", sample, "--grain", "light", "--luminance", "1")
    assert result.status == 2
    assert "--luminance leaves" in result.err


@pytest.mark.parametrize(("configured", "given"), [("grain", "luminance"), ("luminance", "grain")])
def test_the_command_line_wins_over_the_opposite_in_a_file(rawclean, sample, tmp_path, monkeypatch, configured, given):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rawclean.toml").write_text(f"{configured} = 0.25\n")
    result = rawclean("denoise", sample, "-o", "a.dng", f"--{given}", "0.5", "--json")
    assert json.loads(result.out)["report"]["shares"] == [0.5, 1.0]


def test_strength_by_iso_can_be_configured(rawclean, sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rawclean.toml").write_text('strength = "100:0,6400:0.5"\n[denoise]\ngrain = "light"\n')
    assert rawclean("denoise", sample, "-o", "a.dng", "-q").status == 0
    (tmp_path / "rawclean.toml").unlink()
    options = ("--strength", "100:0,6400:0.5", "--grain", "0.15")
    assert rawclean("denoise", sample, "-o", "b.dng", "-q", *options).status == 0
    assert (tmp_path / "a.dng").read_bytes() == (tmp_path / "b.dng").read_bytes()
    (tmp_path / "rawclean.toml").write_text('strength = "100:0,50:0.5"\n')
    assert "strength = " in rawclean("denoise", sample, "-o", "c.dng").err

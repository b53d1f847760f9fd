"""What a DNG says of bad pixels is obeyed, and leaves no trace in the result."""

import struct

import numpy as np
import pytest
from dng_factory import Storage, entry, make_frame, opcode, opcode_list, write_dng

from rawclean.core.bayer import BayerPattern
from rawclean.core.choices import BadPixels
from rawclean.core.noise import NoiseModel
from rawclean.errors import UnreadablePhotoError
from rawclean.evaluation.fidelity import verify
from rawclean.instruments.bad_pixels import map_bad_pixels
from rawclean.io.dng.bad_sites import listed_bad_sites
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.dng.opcodes import (
    DELTA_PER_ROW,
    FIX_BAD_PIXELS_CONSTANT,
    FIX_BAD_PIXELS_LIST,
    bad_pixel_sites,
    opcode_numbers,
)
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.metadata import Metadata, read_metadata
from rawclean.io.tiff.structure import Entry
from rawclean.io.writers import write_photo

NOISE = NoiseModel.uniform(1e-3, 1e-6)
POINTS = [(0, 0), (20, 31), (40, 41), (63, 95)]
RECTANGLES = [(10, 50, 13, 51)]
LISTED = sorted([*POINTS, (10, 50), (11, 50), (12, 50)])


def constant(code):
    return opcode(FIX_BAD_PIXELS_CONSTANT, struct.pack(">2I", code, 0))


def bad_list(points=POINTS, rectangles=RECTANGLES):
    numbers = [number for place in (*points, *rectangles) for number in place]
    return opcode(FIX_BAD_PIXELS_LIST, struct.pack(f">3I{len(numbers)}i", 0, len(points), len(rectangles), *numbers))


def list_1(*opcodes):
    data = opcode_list(*opcodes)
    return Entry(tags.OPCODE_LIST_1, 7, len(data), data)


def places(mask):
    return [tuple(place) for place in np.argwhere(mask).tolist()]


def written(tmp_path, source, choice):
    raw = read_raw(source)
    mapped = map_bad_pixels(raw.frame, NOISE, choice).frame
    dimmed = mapped.with_samples(np.where(mapped.samples < 16383, mapped.samples * 0.9999 + 0.05, mapped.samples))
    photo = DenoisedPhoto(raw.with_frame(dimmed), NOISE, 1.0, bad_pixels_repaired=choice is not BadPixels.OFF)
    output = tmp_path / "out.dng"
    write_photo(output, photo)
    return output


def failed(output, source):
    return {check.name for check in verify(output, source) if not check.passed}


@pytest.fixture(params=["constant", "list", "both"])
def source(request, tmp_path):
    """A photo whose bad sites hold zero, in a raster with masked borders, named by opcodes in one way or another."""
    frame = make_frame((60, 90), BayerPattern.GRBG, margins=(4, 6))
    frame.raster.clip(max=12000, out=frame.raster)
    for place in LISTED:
        frame.raster[place] = 0
    opcodes = {"constant": [constant(0)], "list": [bad_list()], "both": [bad_list(), constant(0)]}[request.param]
    return write_dng(tmp_path / "in.dng", frame, [list_1(*opcodes)])


def test_sites_count_from_the_top_left_of_the_raster(source):
    assert places(read_raw(source).frame.listed_bad) == LISTED


@pytest.mark.parametrize("choice", [BadPixels.AUTO, BadPixels.LIST])
def test_repaired_sites_leave_no_trace(tmp_path, source, choice):
    output = written(tmp_path, source, choice)
    facts, result = read_metadata(output), read_raw(output).frame
    assert tags.OPCODE_LIST_1 not in facts.raw.entries
    assert result.listed_bad is None
    assert result.levels.white == 4 * 16383
    assert float(result.samples.min()) > 4 * 400
    assert failed(output, source) == set()


def test_unrepaired_sites_stay_marked(tmp_path, source):
    output = written(tmp_path, source, BadPixels.OFF)
    before, after = (read_metadata(path).raw.entries[tags.OPCODE_LIST_1].data for path in (source, output))
    assert after == before
    if FIX_BAD_PIXELS_CONSTANT in opcode_numbers(after):
        result = read_raw(output).frame
        assert places(result.raster == 0) == LISTED
        assert result.levels.white == 16383
    assert failed(output, source) == set()


def test_a_raw_image_in_the_first_directory_keeps_its_other_tags(tmp_path):
    frame = make_frame()
    frame.raster[20, 31] = 0
    source = write_dng(tmp_path / "in.dng", frame, [list_1(constant(0))], storage=Storage(in_first=True))
    output = written(tmp_path, source, BadPixels.LIST)
    first = read_metadata(output).tiff.first()
    assert tags.OPCODE_LIST_1 not in first.entries
    assert {tags.SOFTWARE, tags.XMP, tags.RAW_DATA_UNIQUE_ID} <= first.entries.keys()
    assert failed(output, source) == set()


def test_other_opcodes_stay(tmp_path):
    rows = opcode(DELTA_PER_ROW, bytes(40))
    source = write_dng(tmp_path / "in.dng", make_frame(), [list_1(rows, constant(0), bad_list(), rows)])
    output = written(tmp_path, source, BadPixels.AUTO)
    assert read_metadata(output).raw.entries[tags.OPCODE_LIST_1].data == opcode_list(rows, rows)
    assert read_raw(output).frame.levels.white == 16383
    assert failed(output, source) == set()


def test_verify_sees_dots_that_are_left(tmp_path, source):
    write_photo(tmp_path / "out.dng", DenoisedPhoto(read_raw(source), NOISE, 1.0))
    assert failed(tmp_path / "out.dng", source) >= {"bad pixels"}


def test_verify_sees_marks_that_are_lost(tmp_path):
    frame = make_frame()
    frame.raster[20, 31] = 0
    source = write_dng(tmp_path / "in.dng", frame, [list_1(constant(0))])
    sound = make_frame()
    write_dng(tmp_path / "out.dng", sound, [list_1(constant(0)), entry(tags.NOISE_REDUCTION_APPLIED, 5, [1])])
    assert failed(tmp_path / "out.dng", source) == {"bad pixels"}


def test_verify_sees_a_list_that_is_lost(tmp_path):
    source = write_dng(tmp_path / "in.dng", make_frame(), [list_1(opcode(DELTA_PER_ROW, bytes(40)))])
    write_dng(tmp_path / "out.dng", make_frame(), [entry(tags.NOISE_REDUCTION_APPLIED, 5, [1])])
    assert failed(tmp_path / "out.dng", source) == {"tags"}


def test_a_constant_goes_through_the_linearisation_table():
    raster = np.array([[7.0, 5.0], [0.0, 1.0]], np.float32)
    assert places(bad_pixel_sites(opcode_list(constant(1)), raster, (0.0, 7.0))) == [(0, 0)]
    assert places(bad_pixel_sites(opcode_list(constant(9)), raster, (0.0, 7.0))) == [(0, 0)]


def test_places_outside_the_raster_are_passed_over():
    data = opcode_list(bad_list([(-1, 0), (0, 99), (1, 1)], [(-5, 2, 2, 99), (3, 3, 1, 9), (2, 0, 1 << 30, 1)]))
    raster = np.zeros((4, 4), np.float32)
    assert places(bad_pixel_sites(data, raster)) == [
        (0, 2),
        (0, 3),
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 0),
        (3, 0),
    ]


def test_many_rectangles_cost_no_more():
    rectangles = [(0, 0, 2000, 2000)] * 50_000
    assert bool(bad_pixel_sites(opcode_list(bad_list([], rectangles)), np.zeros((2000, 2000), np.float32)).all())


@pytest.mark.parametrize(
    "damaged",
    [
        opcode(FIX_BAD_PIXELS_CONSTANT, bytes(4)),
        opcode(FIX_BAD_PIXELS_LIST, bytes(8)),
        opcode(FIX_BAD_PIXELS_LIST, struct.pack(">3I", 0, 1 << 31, 0)),
        opcode(FIX_BAD_PIXELS_LIST, struct.pack(">3I", 0, 1, 1) + bytes(20)),
        opcode(FIX_BAD_PIXELS_LIST, struct.pack(">3I", 0, 1, 0) + bytes(9)),
    ],
)
def test_a_damaged_list_is_refused(tmp_path, damaged):
    source = write_dng(tmp_path / "in.dng", make_frame(), [list_1(damaged)])
    with pytest.raises(UnreadablePhotoError, match=r"in\.dng: its list of bad pixels \(OpcodeList1\) is damaged"):
        read_raw(source)


def test_a_list_without_bad_pixels_names_none(tmp_path):
    assert bad_pixel_sites(opcode_list(opcode(DELTA_PER_ROW, bytes(40))), np.zeros((4, 4), np.float32)) is None
    assert places(bad_pixel_sites(opcode_list(bad_list([], [])), np.zeros((4, 4), np.float32))) == []


def test_zeros_of_other_cameras_are_marks_where_nothing_else_is_as_dark():
    frame = make_frame((64, 96), margins=(3, 5))
    frame.raster.clip(min=400, out=frame.raster)
    for place in ((1, 1), (20, 31), (40, 41)):
        frame.raster[place] = 0
    assert places(listed_bad_sites(frame, Metadata())) == [(20, 31), (40, 41)]
    frame.raster[30, 20:24] = 60
    assert listed_bad_sites(frame, Metadata()) is None


def test_an_area_of_zeros_is_no_list():
    frame = make_frame((64, 96))
    frame.raster[:, :2] = 0
    assert listed_bad_sites(frame, Metadata()) is None


def test_the_case_of_the_team_leaves_no_trace(tmp_path, shared):
    source = shared / "cases" / "bad_pixel_opcodes" / "constant_zero.dng"
    raw = read_raw(source)
    frame = raw.frame
    assert int(frame.listed_bad.sum()) == 60
    mapped = map_bad_pixels(frame, frame.noise_profile, BadPixels.LIST)
    assert mapped.count == 60
    write_photo(tmp_path / "out.dng", DenoisedPhoto(raw.with_frame(mapped.frame), frame.noise_profile, 1.0))
    assert float(read_raw(tmp_path / "out.dng").frame.raster.min()) > 4 * 350
    assert failed(tmp_path / "out.dng", source) == set()

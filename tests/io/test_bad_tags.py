"""Tags that no camera writes: refused in one line, where they would make a wrong picture without a word."""

import struct

import pytest
from dng_factory import Storage, entry, make_frame, opcode, opcode_list, write_dng

from rawclean.core.layout import PlainLayout
from rawclean.errors import InvalidLevelsError, RawcleanError, UnreadablePhotoError, UnsupportedSensorError
from rawclean.io.dng.opcodes import FIX_BAD_PIXELS_CONSTANT, FIX_BAD_PIXELS_LIST
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import FLOAT, LONG, RATIONAL, SHORT, UNDEFINED, Entry

STORED = {"plain": Storage(), "ljpeg": Storage(tile=(32, 32), compression=7)}


@pytest.fixture
def refuse(tmp_path):
    """Expect that a photo with changed tags is refused in one line."""

    def run(changes: list[Entry], error: type[RawcleanError], message: str, storage=STORED["plain"], **frame) -> None:
        path = write_dng(tmp_path / "a.dng", make_frame(**frame), changes, storage=storage)
        with pytest.raises(error, match=message) as failure:
            read_raw(path)
        assert str(failure.value).startswith(f"{path}: ")
        assert "\n" not in str(failure.value)

    return run


@pytest.mark.parametrize("storage", STORED)
@pytest.mark.parametrize(
    ("kind", "values"), [(FLOAT, range(16384)), (LONG, range(16384)), (SHORT, []), (SHORT, [1] * 65537)]
)
def test_linearisation_by_other_numbers(refuse, storage, kind, values):
    table = [entry(tags.LINEARIZATION_TABLE, kind, values)]
    refuse(table, UnreadablePhotoError, "LinearizationTable", storage=STORED[storage])


@pytest.mark.parametrize("white", [513, 514, 520])
def test_a_range_of_a_few_steps(refuse, white):
    refuse([entry(tags.WHITE_LEVEL, LONG, [white])], InvalidLevelsError, "steps from black to white")


@pytest.mark.parametrize("blacks", [(512, 512, 512, 4000), (0, 4000, 4000, 4000), (512, 9000, 512, 9000)])
def test_one_black_far_from_the_others(refuse, blacks):
    refuse([entry(tags.BLACK_LEVEL, RATIONAL, blacks)], InvalidLevelsError, "black levels from")


def test_one_black_of_a_colour_far_from_the_others(refuse):
    blacks = [entry(tags.BLACK_LEVEL, RATIONAL, (0, 0, 9000))]
    refuse(blacks, InvalidLevelsError, "black levels from", layout=PlainLayout.LINEAR_RGB)


@pytest.mark.parametrize("storage", STORED)
@pytest.mark.parametrize("formats", [[2], [5], [6], [0], [1, 3], [4]])
def test_samples_that_are_no_whole_numbers(refuse, storage, formats):
    changes = [entry(tags.SAMPLE_FORMAT, SHORT, formats)]
    refuse(changes, UnsupportedSensorError, "SampleFormat", storage=STORED[storage])


def opcodes_entry(data: bytes, tag: int = tags.OPCODE_LIST_1) -> Entry:
    return Entry(tag, UNDEFINED, len(data), data)


CONSTANT = opcode(FIX_BAD_PIXELS_CONSTANT, bytes(8))
LIST = opcode(FIX_BAD_PIXELS_LIST, struct.pack(">5I", 0, 1, 0, 3, 3))


@pytest.mark.parametrize("cut", [1, 9, 20])
@pytest.mark.parametrize("tag", tags.OPCODE_LISTS)
def test_a_list_of_opcodes_that_is_cut_off(refuse, tag, cut):
    for found in ([CONSTANT], [LIST], [CONSTANT, LIST]):
        refuse([opcodes_entry(opcode_list(*found)[:-cut], tag)], UnreadablePhotoError, r"\(OpcodeList\) is cut off")


def test_more_opcodes_announced_than_there_are(refuse):
    refuse([opcodes_entry(struct.pack(">I", 3) + CONSTANT)], UnreadablePhotoError, "cut off")


def test_a_list_that_calls_all_sites_bad(refuse):
    everything = opcode(FIX_BAD_PIXELS_LIST, struct.pack(">7I", 0, 0, 1, 0, 0, 64, 96))
    refuse([opcodes_entry(opcode_list(everything))], UnreadablePhotoError, "names most of its samples")


def test_more_constants_than_a_camera_has(refuse):
    constants = [opcode(FIX_BAD_PIXELS_CONSTANT, struct.pack(">2I", code, 0)) for code in range(100_000)]
    refuse([opcodes_entry(opcode_list(*constants))], UnreadablePhotoError, "list of bad pixels")


def test_more_masked_areas_than_a_sensor_has(refuse):
    areas = [entry(tags.MASKED_AREAS, LONG, (0, 0, 8, 96) * 1000)]
    refuse(areas, InvalidLevelsError, "1000 masked areas")

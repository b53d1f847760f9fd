import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from rawclean.denoiser import Denoiser
from rawclean.errors import ModelError
from rawclean.models.manifest import find_model
from rawclean.settings import DenoiseSettings


def test_photos_of_several_threads_share_one_engine():
    denoiser, card, settings = Denoiser(), find_model("student-general"), DenoiseSettings()
    denoiser.load(card, settings)
    with ThreadPoolExecutor(4) as threads:
        engines = set(threads.map(lambda _: denoiser.engine(card, settings), range(8)))
    assert len(engines) == 1


def test_settings_that_do_not_concern_the_engine_make_no_other():
    denoiser, card = Denoiser(), find_model("student-general")
    assert denoiser.engine(card, DenoiseSettings()) is denoiser.engine(card, DenoiseSettings(strength=0.5, tile=256))


def test_what_goes_wrong_is_raised_where_the_engine_is_needed_and_forgotten(tmp_path):
    card, settings = find_model("student-general"), DenoiseSettings()
    moved = dataclasses.replace(card, path=tmp_path / card.path.name)
    denoiser = Denoiser()
    denoiser.load(moved, settings)
    with pytest.raises(ModelError):
        denoiser.engine(moved, settings)
    for path in (card.path, card.onnx_path):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert denoiser.engine(moved, settings).multiple_of == card.multiple_of

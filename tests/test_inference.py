import pytest
import torch
from dng_factory import make_frame

from rawclean.core.bayer import BayerPattern
from rawclean.core.frame import RawFrame
from rawclean.core.layout import PlainLayout
from rawclean.core.noise import NoiseModel
from rawclean.core.tiling import core_of, cut, gather
from rawclean.core.xtrans import XTransPattern
from rawclean.errors import UnsupportedDeviceError
from rawclean.inference.choices import DeviceChoice
from rawclean.inference.denoise import Engine, Signal, denoise, denoise_planes_tiled
from rawclean.inference.device import pick_device
from rawclean.models.manifest import find_model, load_model
from rawclean.networks import build_network

CPU = torch.device("cpu")
NOISE = NoiseModel.uniform(1.6e-3, 2.6e-6)


def signal(frame: RawFrame) -> Signal:
    return Signal(NOISE, torch.ones(4), frame.levels)


@pytest.fixture(scope="module")
def student():
    return load_model(find_model("student-general"))


@pytest.mark.parametrize("size", [(33, 50), (128, 128), (7, 300)])
@pytest.mark.parametrize("core", [16, 32, 512])
def test_tiles_cover_every_sample_once(size, core):
    count = torch.zeros(size)
    for tile in cut(*size, core):
        count[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
    assert torch.equal(count, torch.ones(size))


def test_a_tile_holds_its_true_neighbours_and_reflects_at_the_border():
    planes = torch.arange(60.0).reshape(1, 6, 10)
    tile = next(cut(6, 10, 4))
    window = gather(planes, tile, halo=2, multiple_of=4)
    assert window.shape == (1, 8, 8)
    assert torch.equal(core_of(window, tile, 2), planes[:, :4, :4])
    assert window[0, 2].tolist() == [2, 1, 0, 1, 2, 3, 4, 5]


def test_a_photo_smaller_than_the_halo_is_reflected_again_and_again():
    planes = torch.tensor([[[0.0, 1.0, 2.0]]])
    window = gather(planes, next(cut(1, 3, 4)), halo=4, multiple_of=1)
    assert window[0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]


@pytest.mark.parametrize("pattern", BayerPattern)
@pytest.mark.parametrize("size", [(150, 203), (131, 160)])
def test_tiled_equals_whole(student, pattern, size):
    frame = make_frame(size, pattern)
    whole = denoise(frame, signal(frame), Engine(student, CPU, torch.float32, tile=1024))
    tiled = denoise(frame, signal(frame), Engine(student, CPU, torch.float32, tile=32))
    limit = 1e-5 * frame.levels.scale
    assert float((whole.samples - tiled.samples).abs().max()) <= limit
    assert float((whole.samples - frame.samples).abs().max()) > 100 * limit


@pytest.mark.parametrize("layout", [XTransPattern(0, 0), XTransPattern(1, 4), *PlainLayout])
def test_tiled_equals_whole_in_every_layout(student, layout):
    frame = make_frame((201, 274), layout)
    if isinstance(layout, XTransPattern):
        torch.manual_seed(0)
        student = build_network(
            "fan", {"widths": (8, 16, 16), "encoder_blocks": (0,) * 3, "decoder_blocks": (1,) * 3, "mosaic": "xtrans"}
        )
    whole = denoise(frame, signal(frame), Engine(student, CPU, torch.float32, tile=1024))
    tiled = denoise(frame, signal(frame), Engine(student, CPU, torch.float32, tile=32))
    limit = 1e-5 * frame.levels.scale
    assert float((whole.samples - tiled.samples).abs().max()) <= limit
    assert float((whole.samples - frame.samples).abs().max()) > 100 * limit


def test_clipped_samples_and_masked_borders_are_those_of_the_source(student):
    frame = make_frame((64, 96), margins=(4, 6))
    result = denoise(frame, signal(frame), Engine(student, CPU, torch.float32))
    clipped = frame.samples >= frame.levels.white
    assert bool(clipped.any())
    assert torch.equal(result.samples[clipped], frame.samples[clipped])
    assert torch.equal(result.raster[:4], frame.raster[:4])
    assert torch.equal(result.raster[:, :6], frame.raster[:, :6])


def test_no_noise_means_no_change(student):
    planes = torch.rand(4, 40, 56, generator=torch.Generator().manual_seed(0))
    clean = denoise_planes_tiled(planes, NoiseModel.uniform(0.0, 0.0), Engine(student, CPU, torch.float32))
    assert float((clean - planes).abs().max()) < 1 / 65535  # less than a 16-bit code


def test_strength_is_the_share_of_the_noise_taken_away(student):
    engine = Engine(student, CPU, torch.float32)
    planes = torch.rand(4, 40, 56, generator=torch.Generator().manual_seed(0))
    full, half, none = (denoise_planes_tiled(planes, NOISE, engine, strength=s) for s in (1.0, 0.5, 0.0))
    assert torch.equal(none, planes)
    assert torch.allclose(half, (full + planes) / 2, atol=1e-6)


def test_half_precision_stays_far_below_the_noise(student):
    scene = make_frame((128, 160))
    single, half = (
        denoise(scene, signal(scene), Engine(student, CPU, dtype)).samples for dtype in (torch.float32, torch.bfloat16)
    )
    rms = float((single - half).square().mean().sqrt()) / scene.levels.scale
    assert rms < 0.05 * NOISE.sigma_at()


def test_a_device_that_is_not_there_is_an_error_with_a_way_out():
    if torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    with pytest.raises(UnsupportedDeviceError, match="--device"):
        pick_device(DeviceChoice.MPS)

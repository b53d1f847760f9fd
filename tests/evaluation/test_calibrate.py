import dataclasses
import json

import numpy as np
import platformdirs
import pytest
from dng_factory import entry, make_frame, write_dng
from noisy_planes import with_noise
from PIL import Image

from rawclean.core.bayer import BayerPattern
from rawclean.core.calibration import calibrate
from rawclean.core.frame import Camera
from rawclean.core.layout import PlainLayout
from rawclean.core.noise import NoiseModel, read_on_line
from rawclean.core.xtrans import XTransPattern
from rawclean.errors import CalibrationError, InvalidNoiseError
from rawclean.evaluation.scenes import SHOT_LEVELS, read_scenes
from rawclean.io.noise_profiles import add_profile, profile_noise, user_profiles
from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import RATIONAL

CAMERA = Camera("Maker", "Maker One")
BLACK, WHITE = 512.0, 16383.0
SHOT, READ = 2e-3, 1e-5
SIDE = 288


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path_factory):
    """A configuration folder of the test's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setattr(platformdirs, "user_config_path", lambda name: folder / name)
    return folder


def still_scene(side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Planes (4, side, side) with black, grey, bright and textured parts; the planes agree in structure."""
    rng = np.random.default_rng(seed)
    patches = np.kron(rng.random((1, side // 24, side // 24), np.float32) ** 3, np.ones((1, 24, 24), np.float32))
    texture = 1 + 0.6 * (rng.random((1, side, side), np.float32) - 0.5) * (patches > 0.1)
    return 0.75 * patches * texture * np.array([0.6, 1.0, 1.0, 0.8], np.float32)[:, None, None]


def shots_of(clean, noise, count=2, light=1.0, black=BLACK):
    """Linear shots of `clean` as a 14-bit camera rounds and clips them; every second one has another `light`."""
    scale = WHITE - black
    shots = []
    for index in range(count):
        seen = with_noise(clean * (light if index % 2 else 1), noise, index)
        shots.append(((seen * scale + black).round().clip(0, WHITE) - black) / scale)
    return shots, (0.5 - black) / scale


def normal(size, seed):
    return np.random.default_rng(seed).standard_normal(size, np.float32)


def smoothed(planes):
    """Means of 3x3 samples."""
    around = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    return sum(around[:, i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)) / 9


def with_moved_part(shots, share=0.01):
    """The same with another content in a square of the last shot."""
    side = int((share * shots[0][0].size) ** 0.5)
    moved = shots[-1].copy()
    moved[:, 40 : 40 + side, 60 : 60 + side] = shots[-1][:, 80 : 80 + side, 97 : 97 + side]
    return [*shots[:-1], moved]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("shot", SHOT_LEVELS)
def test_shot_and_read_come_back(shot, count):
    noise = NoiseModel.uniform(shot, 4 * read_on_line(shot))
    found = calibrate(*shots_of(still_scene(), noise, count, black=2048))
    assert found.line.shot == pytest.approx(shot, rel=0.03)
    # what rounding to codes adds is part of the read noise; a standard error is up to 5 % in so small a photo
    rounding = 1 / 12 / (WHITE - 2048) ** 2
    assert found.line.read == pytest.approx(4 * read_on_line(shot) + rounding, rel=0.1)
    assert abs(found.line.shot - shot) < 4 * found.line.shot_error + 0.005 * shot


@pytest.mark.parametrize("light", [0.9, 1.03])
def test_light_changes_and_moving_parts_do_not_count(light):
    shots, floor = shots_of(still_scene(), NoiseModel.uniform(SHOT, READ), light=light)
    found = calibrate(with_moved_part(shots), floor)
    assert found.line.shot == pytest.approx(SHOT, rel=0.03)
    assert found.line.read == pytest.approx(READ, rel=0.1)
    assert found.light[1] / found.light[0] == pytest.approx(light, rel=0.01)
    assert 0.005 < found.moved < 0.1


def test_flicker_over_the_picture_does_not_count():
    clean, noise = still_scene(), NoiseModel.uniform(SHOT, READ)
    waves = 1 + 0.03 * np.sin(np.arange(SIDE, dtype=np.float32) / 20)[:, None]
    one, floor = shots_of(clean, noise)
    other, _ = shots_of(clean * waves, noise)
    found = calibrate([one[0], other[1]], floor)
    assert found.line.shot == pytest.approx(SHOT, rel=0.03)


@pytest.mark.parametrize("spread", [0.0, 0.002])
def test_a_plateau_below_white_does_not_count(spread):
    """Cameras clip below the white level that files state; the plateau may have a noise of its own."""
    shots, floor = shots_of(2 * still_scene(), NoiseModel.uniform(SHOT, READ))
    level = 0.9
    clipped = [
        np.where(shot > level, level + spread * normal(shot.shape, seed), shot) for seed, shot in enumerate(shots)
    ]
    assert float((clipped[0] > level - 0.01).mean()) > 0.05
    found = calibrate(clipped, floor)
    assert found.line.shot == pytest.approx(SHOT, rel=0.03)
    assert found.line.read == pytest.approx(READ, rel=0.1)


def test_hot_pixels_do_not_count():
    shots, floor = shots_of(still_scene(), NoiseModel.uniform(SHOT, READ))
    rng = np.random.default_rng(9)
    hot = rng.random(shots[0].shape) < 2e-4
    height = rng.random(shots[0].shape, np.float32)
    flickering = [np.where(hot, (shot + height * (1 + 0.5 * k)).clip(max=1), shot) for k, shot in enumerate(shots)]
    found = calibrate(flickering, floor)
    assert found.line.shot == pytest.approx(SHOT, rel=0.03)
    assert found.line.read == pytest.approx(READ, rel=0.1)


def test_row_noise_is_not_taken_for_movement():
    shots, floor = shots_of(still_scene(), NoiseModel.uniform(SHOT, READ))
    rows = [0.2 * READ**0.5 * normal((2, SIDE, 1), k) for k in (0, 1)]
    striped = [shot + row[[0, 0, 1, 1]] for shot, row in zip(shots, rows, strict=True)]
    found = calibrate(striped, floor)
    assert found.moved < 0.02
    assert found.line.shot == pytest.approx(SHOT, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("shot", SHOT_LEVELS)
def test_natural_photos_give_their_noise(shared, shot):
    """25 photos side by side, 8 megapixels: one of them alone may have nothing dark, as the refusal then says."""
    scenes = [scene.clean for scene in read_scenes(shared / "photos" / "dev")]
    rows = [np.concatenate(scenes[start : start + 5], axis=2) for start in range(0, 25, 5)]
    read = read_on_line(shot)
    shots, floor = shots_of(np.concatenate(rows, axis=1), NoiseModel.uniform(shot, read), light=1.03, black=1024)
    found = calibrate(with_moved_part(shots), floor)
    assert found.line.shot == pytest.approx(shot, rel=0.03)
    # little is as dark as the read noise at the lowest level, where one standard error is 15 %: with other draws of the
    # noise the read noise comes out 3 to 36 % off there
    expected = read + 1 / 12 / (WHITE - 1024) ** 2
    assert found.line.read == pytest.approx(expected, abs=max(0.1 * expected, 3 * found.line.read_error))


def refused(shots, floor):
    with pytest.raises(CalibrationError) as caught:
        calibrate(shots, floor)
    return str(caught.value)


def test_shots_that_do_not_serve():
    noise = NoiseModel.uniform(SHOT, READ)
    clean = still_scene()
    shots, floor = shots_of(clean, noise)
    other, _ = shots_of(still_scene(seed=5), noise)
    assert "same scene" in refused([shots[0], other[1]], floor)
    assert "same exposure" in refused(shots_of(clean, noise, light=2.0)[0], floor)
    shifted = [shots[0], np.roll(shots[1], 1, 2)]
    assert "tripod" in refused(shifted, floor)
    between, _ = shots_of(0.7 * clean + 0.3 * np.roll(clean, 1, 2), noise)
    assert "tripod" in refused([shots[0], between[1]], floor)
    flat, _ = shots_of(np.full((4, SIDE, SIDE), 0.3, np.float32), noise)
    assert "range of brightness" in refused(flat, floor)
    bright, _ = shots_of(0.3 + 0.6 * clean, NoiseModel.uniform(SHOT, 1e-9))
    assert "dark enough" in refused(bright, floor)
    smooth = [smoothed(shot) for shot in shots]
    assert "share their noise" in refused(smooth, floor)
    assert "shot 2 is smoother than shot 1" in refused([shots[0], smooth[1]], floor)
    assert "shot 1 is smoother than shot 2" in refused([smooth[0], shots[1]], floor)
    assert "neither black nor clipped" in refused([shot + 1 for shot in shots], floor)
    black, _ = shots_of(0 * clean, noise)
    assert "shot 1 is black but for its noise" in refused(black, floor)
    assert "shot 2 is black but for its noise" in refused([shots[0], black[1]], floor)
    assert "shot 2 has 0.50 times the light of shot 1" in refused(shots_of(clean, noise, light=0.5)[0], floor)
    for side in (8, 40):
        assert "too few to measure" in refused([shot[..., :side, :side] for shot in shots], floor)


# the command


def write_shot(path, clean, seed, changes=(), **fields):
    """A DNG of `clean` planes with the noise of SHOT and READ."""
    seen = with_noise(clean, NoiseModel.uniform(SHOT, READ), seed)
    layout = fields.get("layout", BayerPattern.RGGB)
    frame = make_frame((2 * SIDE, 2 * SIDE), layout, (BLACK,) * 4, WHITE)
    if layout is BayerPattern.RGGB:
        mosaic = layout.unpack(seen, (2 * SIDE, 2 * SIDE))
        frame = frame.with_samples((mosaic * (WHITE - BLACK) + BLACK).round().clip(0, WHITE))
    return write_dng(path, dataclasses.replace(frame, **fields), changes)


@pytest.fixture
def pair(tmp_path):
    return [write_shot(tmp_path / f"{name}.dng", still_scene(), seed) for seed, name in enumerate("ab")]


def test_a_profile_is_written_and_used(rawclean, pair):
    result = rawclean("calibrate", *pair, "--iso", 400)
    assert result.status == 0
    assert result.err == ""
    assert "electrons" in result.out
    assert str(user_profiles()) in result.out
    shot, read = json.loads(user_profiles().read_text())["Maker One"]["400"]
    assert shot == pytest.approx(SHOT, rel=0.03)
    assert read == pytest.approx(READ, rel=0.1)
    assert float(profile_noise(CAMERA, 400).shot[0]) == pytest.approx(shot)


def test_json_has_the_points(rawclean, pair):
    report = json.loads(rawclean("calibrate", *pair, "--iso", 400, "--json", "--dry-run").out)
    assert report["shot"] == pytest.approx(SHOT, rel=0.03)
    assert report["full_scale_electrons"] == pytest.approx(1 / SHOT, rel=0.03)
    assert {point["plane"] for point in report["calibration"]["points"]} == {0, 1, 2, 3}
    assert report["written"] is None
    assert not user_profiles().exists()


def test_simulated_shots_give_their_noise_at_the_iso_that_it_corresponds_to(rawclean, tmp_path):
    scene = np.moveaxis(still_scene(2 * SIDE).clip(max=1)[:3], 0, -1)
    Image.fromarray((255 * np.sqrt(scene)).astype(np.uint8)).save(tmp_path / "scene.png")
    shots = [tmp_path / f"{seed}.dng" for seed in (0, 1)]
    for seed, path in enumerate(shots):
        noise = ("--shot", 1.6e-3, "--read", 1e-5)
        assert rawclean("simulate", tmp_path / "scene.png", "-o", path, "--seed", seed, *noise).status == 0
    assert rawclean("calibrate", *shots, "-q") == (0, "", "")
    ((iso, (shot, read)),) = json.loads(user_profiles().read_text())["rawclean Simulated 14 bit"].items()
    assert iso == "8000"
    assert shot == pytest.approx(1.6e-3, rel=0.03)
    assert read == pytest.approx(1e-5, rel=0.12)  # three standard errors


def test_what_is_in_the_file_stays(rawclean, pair):
    user_profiles().parent.mkdir(parents=True)
    user_profiles().write_text('{"Other": {"100": [1e-4, 1e-7]}, "Maker One": {"100": [5e-4, 6.123456789e-7]}}')
    assert rawclean("calibrate", *pair, "--iso", 400, "--quiet") == (0, "", "")
    kept = json.loads(user_profiles().read_text())
    assert kept["Other"] == {"100": [1e-4, 1e-7]}
    assert kept["Maker One"]["100"] == [5e-4, 6.123456789e-7]
    assert set(kept["Maker One"]) == {"100", "400"}


def test_replacing_a_profile_needs_overwrite(rawclean, pair):
    add_profile(CAMERA, 400, (1e-4, 1e-7), overwrite=False)
    before = user_profiles().read_text()
    result = rawclean("calibrate", *pair, "--iso", 400)
    assert result.status == 1
    assert "--overwrite" in result.err
    assert user_profiles().read_text() == before
    assert rawclean("calibrate", *pair, "--iso", 400, "--overwrite").status == 0
    assert json.loads(user_profiles().read_text())["Maker One"]["400"][0] == pytest.approx(SHOT, rel=0.03)


@pytest.fixture
def refuse(rawclean, home):
    """Expect one line that holds `message`, and nothing written."""

    def run(message, *arguments):
        result = rawclean("calibrate", *arguments)
        assert result.status == 1
        assert result.out == ""
        assert len(result.err.strip().splitlines()) == 1, result.err
        assert message in result.err
        assert not list(home.rglob("*"))

    return run


def test_photos_that_do_not_fit(refuse, pair, tmp_path):
    first, second = pair
    scene = still_scene()

    def shot(name, **fields):
        return write_shot(tmp_path / name, scene, 2, **fields)

    refuse("give two or more", first)
    refuse("--iso N", first, second)
    refuse("no such file", first, tmp_path / "none.dng", "--iso", 400)
    refuse("the same samples", first, first, "--iso", 400)
    refuse("camera Maker Two", first, shot("camera.dng", camera=Camera("Maker", "Maker Two")), "--iso", 400)
    refuse("does not name its camera", shot("nameless.dng", camera=Camera("", "")), first, "--iso", 400)
    refuse("layout GBRG", first, shot("layout.dng", layout=BayerPattern.GBRG), "--iso", 400)
    refuse("levels", first, shot("levels.dng", changes=[entry(tags.BLACK_LEVEL, RATIONAL, [500] * 4)]), "--iso", 400)
    small = write_dng(tmp_path / "small.dng", make_frame((64, 96)))
    refuse("size 96x64", first, small, "--iso", 400)
    linear = write_dng(tmp_path / "linear.dng", make_frame((64, 96), PlainLayout.LINEAR_RGB))
    refuse("demosaiced", linear, linear, "--iso", 400)
    denoised = shot("denoised.dng", changes=[entry(tags.NOISE_REDUCTION_APPLIED, RATIONAL, [0.5])])
    refuse("denoised already", denoised, first, "--iso", 400)
    other = write_shot(tmp_path / "other.dng", still_scene(seed=5), 2)
    refuse("same scene", first, other, "--iso", 400)


def test_different_isos(refuse, pair, monkeypatch):
    from rawclean.evaluation import calibrate as module

    isos = iter([100.0, 200.0] * 2)

    def read(path, **options):
        photo = read_raw(path, **options)
        exposure = dataclasses.replace(photo.frame.exposure, iso=next(isos))
        return photo.with_frame(dataclasses.replace(photo.frame, exposure=exposure))

    read_raw = module.read_raw
    monkeypatch.setattr(module, "read_raw", read)
    refuse("ISO 200, where", *pair)
    refuse("ISO 200, where", *pair, "--iso", 400)


@pytest.mark.parametrize(
    ("value", "reason"), [(BLACK, "all black"), (0, "all black"), (WHITE, "all saturated"), (3000, "everywhere")]
)
def test_photos_without_a_photo(refuse, pair, tmp_path, value, reason):
    frame = make_frame((64, 96))
    path = write_dng(tmp_path / "empty.dng", frame.with_samples(np.full((64, 96), value, np.float32)))
    refuse(reason, path, pair[0], "--iso", 400)


@pytest.mark.parametrize("layout", [XTransPattern(2, 1), PlainLayout.MONOCHROME])
def test_other_layouts(layout):
    """A flat ramp: its planes agree, whatever sites they are of."""
    from rawclean.core.layout import independent_planes

    size = (864, 864)
    ramp = np.broadcast_to((np.arange(size[1]) // 48 / 18) ** 2 * 0.8, size)
    noise = NoiseModel.uniform(SHOT, READ)
    shots = []
    for seed in (0, 1):
        seen = with_noise(np.broadcast_to(ramp, (4, *size)), noise, seed)[0]
        shots.append(independent_planes(layout, seen))
    found = calibrate(shots, -1.0)
    assert found.line.shot == pytest.approx(SHOT, rel=0.03)
    assert found.line.read == pytest.approx(READ, rel=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "no table of cameras"),
        ("{\n{", "no JSON, line 2"),
        ("[" * 100_000, "no JSON"),
        ("\xff", "no UTF-8"),
        *((f'{{"A": {value}}}', "entry of 'A' is no table") for value in ("1", '"x"', "null", "[[100, 1e-3, 1e-6]]")),
        *(
            (f'{{"A": {{"100": {value}}}}}', "'A' at ISO 100 is not two numbers")
            for value in ("[1e-3]", '"12"', "{}", "7", "[null, 1e-6]", '["x", 1e-6]', "[true, 1e-6]", "[[1], 2]", "[]")
        ),
    ],
)
def test_damaged_profile_files(refuse_profiles, text, message):
    refuse_profiles(text, message)


@pytest.mark.parametrize(
    "pair", ["[-1e-3, 1e-6]", "[0, 1e-6]", "[1e-3, -1e-9]", "[NaN, 1e-6]", "[1e-3, Infinity]", "[2, 0]", "[1e-3, 1.5]"]
)
def test_absurd_profiles(refuse_profiles, pair):
    refuse_profiles(f'{{"Maker One": {{"400": {pair}}}}}', "'Maker One' at ISO 400 is absurd")


@pytest.mark.parametrize("iso", ["0", "-100", "nan", "1e9", "x", ""])
def test_absurd_isos_of_profiles(refuse_profiles, iso):
    refuse_profiles(f'{{"Maker One": {{"{iso}": [1e-3, 1e-6]}}}}', "which is none")


@pytest.fixture
def refuse_profiles():
    """A profile file that is refused with its name, and is left as it is."""

    def run(text, message):
        user_profiles().parent.mkdir(parents=True)
        user_profiles().write_bytes(text.encode("latin-1"))
        for act in (lambda: profile_noise(CAMERA, 400), lambda: add_profile(CAMERA, 800, (1e-3, 1e-6), overwrite=True)):
            with pytest.raises(InvalidNoiseError, match=message) as caught:
                act()
            assert str(caught.value).startswith(str(user_profiles()))
        assert user_profiles().read_bytes() == text.encode("latin-1")

    return run


def test_a_profile_file_may_begin_with_a_byte_order_mark():
    user_profiles().parent.mkdir(parents=True)
    user_profiles().write_text('{"Maker One": {"400": [1e-3, 1e-6]}}', encoding="utf-8-sig")
    assert float(profile_noise(CAMERA, 400).shot[0]) == pytest.approx(1e-3)


def test_own_profiles_add_to_those_that_ship():
    known = Camera("Canon", "Canon PowerShot G2")
    add_profile(known, 400, (1e-3, 1e-5), overwrite=False)
    assert profile_noise(known, 50) is not None
    assert float(profile_noise(known, 400).shot[0]) == pytest.approx(1e-3)


@pytest.mark.parametrize("values", [(-1e-3, 1e-6), (0.0, 1e-6), (1e-3, -1e-6), (float("nan"), 1e-6), (2.0, 1e-6)])
def test_absurd_values_are_not_written(values):
    with pytest.raises(InvalidNoiseError, match="absurd"):
        add_profile(CAMERA, 400, values, overwrite=False)
    assert not user_profiles().exists()


def test_a_link_to_a_profile_file_stays_one(tmp_path):
    user_profiles().parent.mkdir(parents=True)
    (tmp_path / "kept.json").write_text("{}")
    user_profiles().symlink_to(tmp_path / "kept.json")
    add_profile(CAMERA, 400, (1e-3, 1e-6), overwrite=False)
    assert user_profiles().is_symlink()
    assert "Maker One" in (tmp_path / "kept.json").read_text()

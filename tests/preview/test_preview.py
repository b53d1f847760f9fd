"""`rawclean preview`: its pieces are those of the result, its page works in a browser, and nothing is lost."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rawclean.io.render import picture_of
from rawclean.preview.command import command_of
from rawclean.preview.look import look_at, rectangle
from rawclean.settings import DenoiseSettings


@pytest.mark.parametrize(
    "name", ["nikon_d1_iso200_bggr.nef", "canon_g2_chart_iso50.crw", "canon_eos_6d_lossy_linear_iso1000.dng"]
)
def test_a_piece_is_what_denoising_the_whole_photo_makes(rawclean, shared, tmp_path, name):
    look = look_at(shared / "raw" / name, DenoiseSettings(), [(700, 500)])
    assert rawclean("denoise", shared / "raw" / name, "-o", tmp_path / "out.dng", "-q").status == 0
    crop, picture = look.crops[0], picture_of(tmp_path / "out.dng")
    left, top, _, _ = rectangle(crop.place, look.photo.frame)
    row, column = round(top * picture.shape[0]), round(left * picture.shape[1])
    height, width = crop.after[0].shape[:2]
    expected = picture[row : row + height, column : column + width].astype(int)
    assert np.abs(expected - crop.after[0]).mean() < 0.1  # codes of 8 bits: surroundings end, and bfloat16 rounds


def test_versions_differ_as_they_say(shared):
    look = look_at(shared / "raw" / "gopro_hero7_scene_iso252.dng", DenoiseSettings(), [(900, 2400)])
    crop = look.crops[0]
    changes = {
        version.label: float(np.abs(after.astype(int) - crop.before).mean())
        for version, after in zip(look.versions, crop.after, strict=True)
    }
    assert changes["strong grain"] < changes["light grain"] < changes["fast"]
    assert changes["strength 0.7"] < changes["fast"]


def test_a_photo_that_shows_nothing_has_its_middle_shown(rawclean, tmp_path):
    Image.fromarray(np.zeros((400, 500, 3), np.uint8)).save(tmp_path / "black.png")
    assert rawclean("simulate", tmp_path / "black.png", "-o", tmp_path / "a.dng", "--shot", "1e-4").status == 0
    result = rawclean("preview", tmp_path / "a.dng", "-o", tmp_path / "p.html", "--json")
    assert [piece["name"] for piece in json.loads(result.out)["pieces"]] == ["middle"], result.err


def test_pieces_are_where_the_user_says(rawclean, sample, tmp_path):
    result = rawclean("preview", sample, "-o", tmp_path / "p.html", "--at", "10,20", "--at", "300, 560", "--json")
    first, second = json.loads(result.out)["pieces"]
    assert (first["name"], first["top"], first["left"]) == ("at 10,20", 0, 0)
    assert (second["top"] + second["height"], second["left"]) == (576, 100)


LONG = "x" * 300


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        (["--at", "576,0"], (2, "--at 576,0: lies outside the photo, which is 576 wide and 576 high")),
        (["--at", "0,99999999999999999999"], (2, "lies outside the photo")),
        (["--at", "a,b"], (2, "Invalid value for --at")),
        (["--at", "-1,5"], (2, "Invalid value for --at")),
        (["--model", "student-xtrans"], (1, "student-xtrans is for xtrans")),
        (["-o", "IMG.dng/p.html"], (1, "IMG.dng: is a file, and no folder")),
        (["-o", "a.html"], (1, "is no preview of rawclean, so it is kept")),
        (["-o", "IMG.dng"], (2, "a page is named like preview.html")),
        (["-o", "p.txt"], (2, "a page is named like preview.html")),
        (["-o", "-"], (2, "a page is named like preview.html")),
        (["-o", ""], (2, "is a variable of the shell not set?")),
        (["-o", f"{LONG}.html"], (1, "cannot be written (File name too long)")),
    ],
)
def test_what_cannot_be_is_one_line(rawclean, sample, tmp_path, monkeypatch, options, refused):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sample, "IMG.dng")
    Path("a.html").write_text("<title>My page</title>")
    result = rawclean("preview", "IMG.dng", *options)
    assert (result.status, refused[1] in result.err) == (refused[0], True), result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["IMG.dng", "a.html"]
    assert Path("a.html").read_text() == "<title>My page</title>"
    assert Path("IMG.dng").read_bytes() == sample.read_bytes()


@pytest.mark.parametrize(
    ("photo", "refused"),
    [
        ("", (2, "is a variable of the shell not set?")),
        (".", (1, ".: is a folder")),
        ("/", (1, "/: is a folder")),
        ("missing.dng", (1, "missing.dng: no such file")),
        (LONG, (1, "File name too long")),
        (f"{'x' * 245}.dng", (1, "_preview.html: cannot be written (File name too long)")),
    ],
)
def test_what_is_no_photo_is_one_line(rawclean, sample, tmp_path, monkeypatch, photo, refused):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sample, f"{'x' * 245}.dng")
    result = rawclean("preview", photo)
    assert (result.status, refused[1] in result.err) == (refused[0], True), result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("output", ["new/folder/", "there"])
def test_a_folder_is_where_the_page_goes(rawclean, sample, tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    result = rawclean("preview", sample, "-o", output, "--at", "9,9")
    assert result.out.startswith(f"{Path(output, 'guitar_preview.html')}: 1 piece of guitar.dng"), result.err
    assert Path(output, "guitar_preview.html").is_file()


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o440, 0o640), (0o755, 0o644)])
def test_who_may_not_read_a_photo_may_not_read_its_page(rawclean, sample, tmp_path, mode, expected):
    shutil.copy(sample, tmp_path / "IMG.dng")
    (tmp_path / "IMG.dng").chmod(mode)
    os.utime(tmp_path / "IMG.dng", (0, 0))
    assert rawclean("preview", tmp_path / "IMG.dng", "--at", "9,9").status == 0
    told = (tmp_path / "IMG_preview.html").stat()
    assert (told.st_mode & 0o777, told.st_mtime > 0) == (expected, True)


@pytest.mark.skipif(os.name == "nt", reason="a browser that is a shell script")
@pytest.mark.parametrize(("status", "said"), [(0, []), (1, ["no browser could be started; open"])])
def test_a_browser_that_does_not_open_the_page_is_reported(sample, tmp_path, status, said):
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\nexit {status}\n")
    browser.chmod(0o755)
    page = tmp_path / "p.html"
    command = [sys.executable, "-m", "rawclean", "preview", sample, "-o", page, "--at", "9,9", "--open", "-q"]
    environment = os.environ | {"PATH": str(tmp_path), "BROWSER": "browser"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == [f"rawclean: warning: {line} {page} in one" for line in said]


def commands_of(page: Path) -> list[list[str]]:
    """The words of the commands that a page shows."""
    found = re.search(r" commands = (\[.*\]);", page.read_text())
    return [shlex.split(command) for command in json.loads(found[1])[1:]]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ('strength = 0.5\n[preview]\nquality = "fast"', ["--quality", "fast", "--strength", "0.5"]),
        ('grain = "strong"\nbad-pixels = "off"', ["--grain", "0.5", "--bad-pixels", "off"]),
        ('[preview]\nluminance = "100:0.4,6400:1"', ["--luminance", "100:0.4,6400:1"]),
    ],
)
def test_a_command_says_what_a_configuration_has_said(rawclean, sample, tmp_path, monkeypatch, config, expected):
    monkeypatch.chdir(tmp_path)
    Path("rawclean.toml").write_text(config)
    result = rawclean("preview", sample, "-o", "p.html", "--at", "9,9")
    assert (result.status, result.err) == (0, "")
    for command in commands_of(Path("p.html")):
        assert command[2 : 2 + len(expected)] == expected


def test_a_command_has_no_default_that_the_command_line_replaces(rawclean, sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rawclean.toml").write_text('grain = "light"')
    assert rawclean("preview", sample, "-o", "p.html", "--at", "9,9", "--luminance", "0.5").status == 0
    assert commands_of(Path("p.html"))[0][2:4] == ["--luminance", "0.5"]


def test_a_default_of_denoise_alone_is_reported(rawclean, sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rawclean.toml").write_text('[denoise]\ngrain = "light"\nbad-pixels = "off"\n')
    result = rawclean("preview", sample, "-o", "p.html", "--at", "9,9", "--bad-pixels", "auto")
    assert "rawclean.toml has grain in [denoise] alone" in result.err


@pytest.mark.parametrize("options", [("--luminance", "1"), ("--colour", "1"), ("--grain", "none")])
def test_every_command_of_a_page_is_taken(rawclean, sample, tmp_path, options):
    assert rawclean("preview", sample, "-o", tmp_path / "p.html", "--at", "9,9", *options).status == 0
    for number, (_, *words) in enumerate(commands_of(tmp_path / "p.html")):
        made = rawclean(words[0], "-o", tmp_path / f"{number}.dng", *words[1:])
        assert made.status == 0, made.err


@pytest.mark.skipif(os.name == "nt" or not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("-", "./-"),
        ("-o.dng", "-o.dng"),
        ("it's $HOME `x`.dng", "it's $HOME `x`.dng"),
        ("two\nlines\tand 'quotes' \\n !x \x1b[31m 1.dng", None),
        ("caf\udce9 \u00e9\u00a0\u202e.dng", None),
    ],
)
def test_a_command_names_its_photo_whatever_it_is_called(name, expected):
    command = command_of(Path(name), ["--iso", "100"])
    assert command.isprintable()
    program = f"rawclean() {{ printf '%s\\0' \"$@\"; }}; {command}"
    said = subprocess.run(["bash", "-c", program], capture_output=True, check=True).stdout
    assert said.split(b"\0")[:-1] == [b"denoise", b"--iso", b"100", b"--", os.fsencode(expected or name)]


def test_a_preview_replaces_one_of_before(rawclean, sample, tmp_path):
    shutil.copy(sample, tmp_path / "IMG.dng")
    for strength in ("1", "0.5"):
        assert rawclean("preview", tmp_path / "IMG.dng", "--strength", strength, "-q").status == 0
    assert "--strength 0.5" in (tmp_path / "IMG_preview.html").read_text()


HOSTILE = "</script><img src=x onerror=document.title='hacked'>'\"$(touch hacked) -.dng"


@pytest.fixture(scope="module")
def page(tmp_path_factory, sample):
    """A preview of a photo with a name that would harm a careless page or shell, open in a real browser."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if not (shutil.which("chromedriver") and shutil.which("chromium")):
        pytest.skip("no Chromium; install chromium and chromium-driver")
    folder = tmp_path_factory.mktemp("page")
    photo = folder / HOSTILE.replace("/", "\u2215")
    shutil.copy(sample, photo)
    command = [sys.executable, "-m", "rawclean", "preview", str(photo), "-o", str(folder / "p.html"), "-q"]
    subprocess.run([*command, "--iso", "3200", "--at", "150,200", "--at", "420,400"], check=True)
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--window-size=1300,1000"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    with webdriver.Chrome(options=options, service=service) as browser:
        browser.get((folder / "p.html").as_uri())
        browser.photo = photo
        yield browser


def keys(page, *pressed):
    from selenium.webdriver import ActionChains

    ActionChains(page).send_keys(*pressed).perform()


def sources(page, side):
    return page.execute_script(f"return [...document.querySelectorAll('.pair .{side}')].map(each => each.src)")


def pressed(page, group):
    return page.execute_script(f"return document.querySelector('#{group} [aria-pressed=true]').textContent")


def test_the_page_shows_all_and_loads_nothing(page):
    loaded = page.execute_script("return [...document.images].every(each => each.complete && each.naturalWidth > 0)")
    assert loaded
    assert page.get_log("browser") == []
    asked = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [each["params"]["request"]["url"] for each in asked if each["method"] == "Network.requestWillBeSent"]
    assert all(url.startswith(("file:", "data:")) for url in urls)
    assert page.title == f"rawclean preview: {page.photo.name}"
    assert page.execute_script("return document.querySelectorAll('.pair').length") == 2


def test_buttons_and_keys_choose_what_is_compared(page):
    before = sources(page, "right")
    labels = page.execute_script(
        "return [...document.querySelectorAll('#rights button')].map(each => each.textContent)"
    )
    assert {"fast", "best", "light grain"} <= set(labels)
    keys(page, "3")
    assert pressed(page, "rights") == labels[2]
    assert sources(page, "right") != before
    page.execute_script("[...document.querySelectorAll('#lefts button')].at(3).click()")
    assert pressed(page, "lefts") == labels[3]
    assert len(set(sources(page, "left") + sources(page, "right"))) == 4


def test_the_divider_follows_keys_and_pointer(page):
    from selenium.webdriver import ActionChains, Keys
    from selenium.webdriver.common.by import By

    cut = "return document.querySelector('.pair').style.getPropertyValue('--cut')"
    pair = page.find_element(By.CSS_SELECTOR, ".pair")
    ActionChains(page).move_to_element_with_offset(pair, 80, 0).click_and_hold().move_by_offset(
        20, 5
    ).release().perform()
    assert page.execute_script(cut) == "75%"
    keys(page, Keys.ARROW_RIGHT)
    assert page.execute_script(cut) == "76%"
    ActionChains(page).key_down(" ").perform()
    assert page.execute_script(cut) == "100%"
    ActionChains(page).key_up(" ").perform()
    assert page.execute_script(cut) == "76%"


def test_space_is_for_the_page_after_a_click_and_for_a_button_of_the_keyboard(page):
    from selenium.webdriver import ActionChains, Keys

    cut = "return document.querySelector('.pair').style.getPropertyValue('--cut')"
    for selector in ("#rights button:nth-of-type(2)", "#zooms button", "#copy"):
        page.find_element("css selector", selector).click()
        ActionChains(page).key_down(" ").perform()
        assert page.execute_script(cut) == "100%"
        ActionChains(page).key_up(" ").perform()
        assert page.execute_script(cut) != "100%"
    page.execute_script("document.querySelector('#rights button').focus()")
    keys(page, Keys.TAB, " ", " ")
    assert page.execute_script("return document.activeElement === document.querySelectorAll('#rights button')[1]")


def test_zoom_makes_pixels_larger(page):
    width = "return document.querySelector('.pair').getBoundingClientRect().width * devicePixelRatio"
    assert page.execute_script(width) == 400
    keys(page, "+", "+")
    assert (page.execute_script(width), pressed(page, "zooms")) == (1200, "300 %")
    keys(page, "-", "-", "-")
    assert page.execute_script(width) == 400


def test_the_command_makes_what_is_seen(page, tmp_path):
    page.execute_script("choose('right', 1)")
    page.execute_script("choose('right', labels.indexOf('strong grain'))")
    command = page.execute_script("return document.getElementById('command').textContent")
    assert shlex.split(command) == [
        "rawclean",
        "denoise",
        "--iso",
        "3200",
        "--grain",
        "strong",
        "--",
        str(page.photo),
    ]
    program = f'rawclean() {{ "{sys.executable}" -m rawclean "$@"; }}; {command}'
    assert subprocess.run(["bash", "-c", program], cwd=tmp_path).returncode == 0
    assert page.photo.with_name(f"{page.photo.stem}_denoised.dng").is_file()
    assert not list(tmp_path.iterdir())

"""The page about a batch, in a real browser."""

import io
import re
import shutil

import imageio.v3 as imageio
import numpy as np
import pytest

from rawclean.batch.crops import noisiest_crops

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver")


@pytest.fixture
def report(rawclean, tmp_path, sample):
    """The report of a run over two good photos and a broken one."""
    shoot = tmp_path / "shoot"
    shoot.mkdir()
    shutil.copy(sample, shoot / "one <b>.dng")
    shutil.copy(sample, shoot / "two.dng")
    (shoot / "broken.dng").write_bytes(sample.read_bytes()[:5000])
    path = tmp_path / "report.html"
    assert rawclean("batch", shoot, "--report", path, "--quiet").status == 3
    return path


@pytest.fixture
def browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1250,1400", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.set_network_conditions(offline=True, latency=0, throughput=0)
    yield driver
    driver.quit()


def test_the_page_needs_nothing_but_itself(report):
    page = report.read_text()
    assert not re.findall(r"https?://|<link|src=\"(?!data:)", page)
    assert "one <b>" not in page
    assert "one &lt;b&gt;" in page


def picture(element):
    return imageio.imread(io.BytesIO(element.screenshot_as_png))[..., :3].astype(float)


@needs_chromium
def test_the_slider_uncovers_the_photo_before(report, browser):
    browser.get(report.as_uri())
    find = browser.find_elements
    assert [element.text for element in find("css selector", "#done, #failed")] == ["2", "1"]
    assert "broken.dng" in find("css selector", "#failures")[0].text
    assert len(find("css selector", "#photos tr")) == 3
    pair = find("css selector", ".pair")[0]
    slider = find("css selector", ".pair input")[0]
    roughness = {}
    for share in (0, 100):
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", slider, share
        )
        roughness[share] = np.abs(np.diff(picture(pair)[:300, 20:500], axis=1)).mean()
    assert roughness[100] > 2 * roughness[0]
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@needs_chromium
def test_pieces_are_shown_pixel_by_pixel(report, browser):
    browser.get(report.as_uri())
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('.pair img')]"
        ".map(image => [image.width, image.naturalWidth, image.height, image.naturalHeight])"
    )
    assert len(sizes) == 4
    assert all(width == natural and height == full for width, natural, height, full in sizes)


@pytest.mark.parametrize("suffix", ["dng", "png", "tiff"])
def test_every_format_of_results_has_pieces(rawclean, sample, tmp_path, suffix):
    output = tmp_path / f"out.{suffix}"
    assert rawclean("denoise", sample, "-o", output, "--quiet").status == 0
    crops = noisiest_crops(str(sample), str(output))
    before, after = (imageio.imread(content).astype(float) for content in (crops.before, crops.after))
    assert before.shape == after.shape == (360, 540, 3)
    assert np.abs(np.diff(before, axis=1)).mean() > 2 * np.abs(np.diff(after, axis=1)).mean()
    assert np.abs(before.mean(axis=(0, 1)) - after.mean(axis=(0, 1))).max() < 4

"""The page about a batch, in a real browser."""

import io
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import unquote

import imageio.v3 as imageio
import numpy as np
import pytest

from rawclean.batch.crops import crops_of
from rawclean.batch.journal import Journal
from rawclean.batch.report import write_report
from rawclean.batch.report_rows import link
from rawclean.core.places import PlaceKind

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
    assert r"one \u003cb\u003e" in page


def picture(element):
    return imageio.imread(io.BytesIO(element.screenshot_as_png))[..., :3].astype(float)


@needs_chromium
def test_the_slider_uncovers_the_photo_before(report, browser):
    browser.get(report.as_uri())
    find = browser.find_elements
    assert [element.text for element in find("css selector", "#done, #failed")] == ["2", "1"]
    assert len(find("css selector", "#photos tbody tr")) == 3
    pair = find("css selector", ".pair")[0]
    slider = find("css selector", ".pair input")[0]
    roughness = {}
    for share in (0, 100):
        browser.execute_script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", slider, share
        )
        roughness[share] = np.abs(np.diff(picture(pair)[40:150, 10:-10], axis=1)).mean()
    assert roughness[100] > 2 * roughness[0]
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@needs_chromium
def test_pieces_are_shown_pixel_by_pixel(report, browser):
    browser.get(report.as_uri())
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('.pair img')]"
        ".map(image => [image.width, image.naturalWidth, image.height, image.naturalHeight])"
    )
    assert len(sizes) == 2 * 2 * 3
    assert all(width == natural and height == full for width, natural, height, full in sizes)


@pytest.mark.parametrize("suffix", ["dng", "png", "tiff"])
def test_every_format_of_results_has_pieces(rawclean, sample, tmp_path, suffix):
    output = tmp_path / f"out.{suffix}"
    assert rawclean("denoise", sample, "-o", output, "--quiet").status == 0
    crops = crops_of(str(sample), str(output))
    least = {PlaceKind.TONE: 2, PlaceKind.DETAIL: 1, PlaceKind.NOISE: 2}  # what is structure stays
    assert [crop.place.kind for crop in crops] == list(least)
    for crop in crops:
        before, after = (imageio.imread(content).astype(float) for content in (crop.before, crop.after))
        assert before.shape == after.shape == (192, 192, 3)
        assert np.abs(np.diff(before, axis=1)).mean() > least[crop.place.kind] * np.abs(np.diff(after, axis=1)).mean()
        assert np.abs(before.mean(axis=(0, 1)) - after.mean(axis=(0, 1))).max() < 4


def test_a_result_that_is_gone_has_a_line_instead(rawclean, report, tmp_path):
    (tmp_path / "shoot" / "denoised" / "two.dng").unlink()
    rewritten(report, lambda entries: entries)
    assert report.read_text().count("data:image/jpeg") == 2 * 3
    assert "two.dng: no such file" in report.read_text()


def rewritten(report, change):
    """The same page, with other entries of its journal."""
    folder = report.parent / "shoot" / "denoised"
    with Journal(folder / "rawclean-journal.sqlite") as journal:
        entries = change(journal.entries())
    with ThreadPoolExecutor(1) as executor:
        write_report(report, str(folder), entries, executor)


def of_a_long_shoot(entries, count=5000):
    """As many entries as a wedding has, made of those of a run."""
    rng = np.random.default_rng(0)
    done = [entry for entry in entries if entry.report]
    for number in range(count - len(entries)):
        like = done[number % len(done)]
        sigma = like.report.sigma * rng.uniform(0.1, 0.9)
        warning = f"ISO 200 says sigma {sigma:.5f}, but {sigma / 2:.5f} was taken" if number % 3 == 0 else None
        seconds = {step: second * rng.uniform(0.5, 2) for step, second in like.report.seconds.items()}
        known = replace(like.report, sigma=sigma, iso=float(100 * (1 + number % 64)), warning=warning, seconds=seconds)
        name = f"2026-05 wedding/IMG_{number}"
        source = like.source.replace("two.dng", f"{name}.nef")
        entries.append(replace(like, name=f"{name}.dng", source=source, report=known))
    return entries


@needs_chromium
def test_the_table_of_5000_photos_can_be_searched_and_sorted(report, browser):
    rewritten(report, of_a_long_shoot)
    assert report.stat().st_size < 5e6
    browser.get(report.as_uri())
    count, rows = browser.find_element("id", "count"), lambda: browser.find_elements("css selector", "#photos tbody tr")
    assert count.text == "5,000 of 5,000 photos"
    assert "broken.dng" in rows()[0].text
    search = browser.find_element("id", "text")
    search.send_keys("img_1234")
    assert count.text == "1 of 5,000 photos"
    browser.execute_script(
        "arguments[0].value = ''; arguments[0].dispatchEvent(new Event('input'));"
        "const show = document.getElementById('state'); show.value = 'warning'; show.dispatchEvent(new Event('input'))",
        search,
    )
    assert count.text == "1,666 of 5,000 photos"
    browser.execute_script("document.getElementById('failed').querySelector('a').click()")
    assert count.text == "1 of 5,000 photos"


@needs_chromium
def test_columns_are_sorted_by_key_as_numbers_and_say_so(report, browser):
    from selenium.webdriver.common.keys import Keys

    rewritten(report, lambda entries: of_a_long_shoot(entries, 100))
    browser.get(report.as_uri())
    for head in (2, 3, 9):  # ISO, sigma, seconds
        button = browser.find_elements("css selector", "#photos thead button")[head]
        for direction in ("descending", "ascending"):
            button.send_keys(Keys.ENTER)
            heads = browser.find_elements("css selector", "#photos thead th")
            assert [each.get_attribute("aria-sort") for each in heads].count(None) == len(heads) - 1
            assert heads[head].get_attribute("aria-sort") == direction
            cells = browser.execute_script(
                "const rows = [...document.querySelectorAll('#photos tbody tr')];"
                "return rows.map(row => row.cells[arguments[0]].innerText)",
                head,
            )
            known = [float(cell) for cell in cells if cell]
            assert len(known) > 90
            assert cells[: len(known)].count("") == 0, "what is not known comes last"
            assert known == sorted(known, reverse=direction == "descending")


HOSTILE = ("javascript:alert(1)", "$x \"'&amp;", "<!--<script><img src=x onerror=boom>", "?a#b%41", "-rf *")


@needs_chromium
def test_hostile_names_are_text_and_their_links_lead_to_the_files(rawclean, tmp_path, sample, browser):
    shoot = tmp_path / "shoot #1 %41"
    shoot.mkdir()
    for name in HOSTILE:
        shutil.copy(sample, shoot / f"{name}.dng")
    report = tmp_path / "pages" / "report.html"
    report.parent.mkdir()
    assert rawclean("batch", shoot, "--report", report, "--quiet").status == 0
    browser.get(report.as_uri())
    links = browser.find_elements("css selector", "#photos tbody a")
    assert len(links) == 2 * len(HOSTILE)
    assert {each.text for each in links} == {f"{name}.dng" for name in HOSTILE}
    for each in links:
        path = unquote(each.get_attribute("href").removeprefix("file://"))
        assert path in {str(place / each.text) for place in (shoot, shoot / "denoised")}
    assert not browser.find_elements("css selector", "#photos img, #photos b")
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


@needs_chromium
def test_without_scripts_there_is_a_plain_table(report, browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    browser.get(report.as_uri())
    (table,) = browser.find_elements("css selector", "noscript table")
    assert "one <b>.dng" in table.text
    assert "failed" in table.text


def test_links_are_relative_and_lead_to_no_store(tmp_path):
    page = tmp_path / "report.html"
    assert link(str(tmp_path / "out" / "a b.dng"), page) == "./out/a%20b.dng"
    assert link(f"file://{tmp_path}/out/a.dng", page) == "./out/a.dng"
    assert link(str(tmp_path.parent / "javascript:x.dng"), page) == "./../javascript%3Ax.dng"
    assert link("s3://key:secret@bucket/a.dng", page) is None
    assert link("https://host/a.dng?token=1", page) is None

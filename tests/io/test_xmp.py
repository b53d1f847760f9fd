"""XMP packets and sidecars, as Adobe, darktable and exiftool write them."""

import json
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from dng_factory import make_frame, write_dng

from rawclean.core.noise import NoiseModel
from rawclean.io.dng.entries import DenoisedPhoto
from rawclean.io.raw import read_raw
from rawclean.io.tiff import tags
from rawclean.io.tiff.structure import Tiff
from rawclean.io.writers import write_photo
from rawclean.io.xmp import copy_sidecars, mark_denoised, sidecar_packet

RDF = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
CRS = "xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/'"
PACKETS = {
    "attributes": f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}><rdf:Description rdf:about="" {CRS} '
    'crs:ProcessVersion="11.0" crs:Exposure2012="+0.35" crs:LuminanceSmoothing="25" crs:ColorNoiseReduction="30"/>'
    "</rdf:RDF></x:xmpmeta>",
    "elements": f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}><rdf:Description rdf:about="" {CRS}>'
    "<crs:Exposure2012>+0.35</crs:Exposure2012><crs:LuminanceSmoothing>25</crs:LuminanceSmoothing>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>",
}


def properties(packet: bytes) -> dict[str, str]:
    """Local name to value, of attributes and elements."""
    found = {}
    for node in ElementTree.fromstring(packet.decode().strip("\ufeff")).iter():
        found |= {key.split("}")[-1]: value for key, value in node.attrib.items()}
        if node.text and node.text.strip():
            found[node.tag.split("}")[-1]] = node.text
    return found


@pytest.mark.parametrize("form", PACKETS)
def test_sliders_are_zeroed_and_edits_kept(form):
    marked = mark_denoised(PACKETS[form].encode())
    found = properties(marked)
    assert (found["LuminanceSmoothing"], found["ColorNoiseReduction"]) == ("0", "0")
    assert (found["Exposure2012"], found["neural_restore"]) == ("+0.35", "raw-denoise")
    assert mark_denoised(marked) == marked


def test_without_camera_raw_settings_there_stay_none():
    marked = mark_denoised(None)
    assert properties(marked)["neural_restore"] == "raw-denoise"
    assert b"camera-raw-settings" not in marked


def test_what_is_no_xmp_stays_as_it_is():
    assert mark_denoised(b"\xff\xfe no xml") == b"\xff\xfe no xml"
    assert mark_denoised(b"<x:xmpmeta") == b"<x:xmpmeta"


def test_sidecars_are_copied_under_both_names_but_never_replaced(tmp_path):
    source, output = tmp_path / "a.cr2", tmp_path / "b.dng"
    (tmp_path / "a.xmp").write_text(PACKETS["attributes"])
    (tmp_path / "a.cr2.xmp").write_text(PACKETS["elements"])
    (tmp_path / "b.xmp").write_text("mine")
    copy_sidecars(source, output, denoised=True)
    assert (tmp_path / "b.xmp").read_text() == "mine"
    assert properties((tmp_path / "b.dng.xmp").read_bytes())["neural_restore"] == "raw-denoise"
    assert (tmp_path / "a.xmp").read_text() == PACKETS["attributes"]


@pytest.mark.parametrize("strength", ["0", "1"])
def test_only_what_is_denoised_is_marked(tmp_path, rawclean, strength):
    source = write_dng(tmp_path / "in.dng", make_frame())
    (tmp_path / "in.xmp").write_text(PACKETS["elements"])
    (tmp_path / "in.dng.xmp").write_text(PACKETS["attributes"])
    assert rawclean("denoise", source, "-o", tmp_path / "out.dng", "--strength", strength, "-q").status == 0
    for copied, original in (("out.xmp", "in.xmp"), ("out.dng.xmp", "in.dng.xmp")):
        same = (tmp_path / copied).read_bytes() == (tmp_path / original).read_bytes()
        assert same == (strength == "0")


def test_the_dng_itself_is_marked(tmp_path, rawclean):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    source = write_dng(tmp_path / "in.dng", make_frame())
    packet = tmp_path / "packet.xmp"
    packet.write_text(PACKETS["attributes"])
    subprocess.run(["exiftool", "-q", "-overwrite_original", f"-xmp<={packet}", source], check=True)
    (tmp_path / "in.xmp").write_text(PACKETS["elements"])
    assert rawclean("denoise", source, "-o", tmp_path / "out.dng", "-q").status == 0
    run = subprocess.run(["exiftool", "-j", "-G1", "-XMP:all", tmp_path / "out.dng"], capture_output=True, check=True)
    found = json.loads(run.stdout)[0]
    assert found["XMP-crs:LuminanceSmoothing"] == found["XMP-crs:ColorNoiseReduction"] == 0
    assert found["XMP-crs:Exposure2012"] == "+0.35"
    assert properties((tmp_path / "out.xmp").read_bytes())["LuminanceSmoothing"] == "0"


def test_sidecars_of_rawtherapee_and_art_are_copied_as_they_are(tmp_path):
    for suffix in (".pp3", ".arp"):
        (tmp_path / f"a.cr2{suffix}").write_bytes(b"[Version]\r\nAppVersion=5.9\r\n")
    copy_sidecars(tmp_path / "a.cr2", tmp_path / "b.dng", denoised=True)
    for suffix in (".pp3", ".arp"):
        assert (tmp_path / f"b.dng{suffix}").read_bytes() == b"[Version]\r\nAppVersion=5.9\r\n"


@pytest.mark.parametrize("name", ["a.xmp", "a.XMP", "a.nef.xmp"])
def test_a_new_dng_holds_what_the_sidecar_says(shared, tmp_path, name):
    shutil.copy(shared / "raw" / "nikon_d1_iso200_bggr.nef", tmp_path / "a.nef")
    (tmp_path / name).write_text(
        PACKETS["attributes"].replace("crs:ProcessVersion", "crs:Rated='3' crs:ProcessVersion")
    )
    raw = read_raw(tmp_path / "a.nef")
    write_photo(tmp_path / "b.dng", DenoisedPhoto(raw, NoiseModel.uniform(1e-4, 1e-6), 1.0))
    found = properties(Tiff((tmp_path / "b.dng").read_bytes()).first().entries[tags.XMP].data)
    assert (found["Rated"], found["Exposure2012"], found["LuminanceSmoothing"]) == ("3", "+0.35", "0")


def test_a_sidecar_that_is_no_xml_is_passed_over(tmp_path):
    (tmp_path / "a.xmp").write_bytes(b"\xff no xml")
    assert sidecar_packet(tmp_path / "a.cr2") is None
    (tmp_path / "a.cr2.xmp").write_text(PACKETS["elements"])
    assert sidecar_packet(tmp_path / "a.cr2") == PACKETS["elements"].encode()

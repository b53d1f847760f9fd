"""XMP told that the noise is gone, every other byte as it was (XMP specification part 1; ISO 16684-1).

darktable skips its automatic denoising where `darktable:neural_restore` says raw-denoise. Adobe's sliders are set to
zero only where the packet has Camera Raw settings already: a packet with nothing but the two would lack a process
version, and be developed by the oldest one. For the rest, the DNG's NoiseReductionApplied speaks.
"""

import re
from pathlib import Path, PurePath
from typing import TypeVar
from xml.etree import ElementTree

from rawclean.errors import OutputError, TargetFullError
from rawclean.io.atomic import write_atomically

AnyPath = TypeVar("AnyPath", bound=PurePath)

MOST_BYTES = 4 << 20
"""In a packet that is looked into: a million elements, which take a second and 100 MB."""
LARGEST_SIDECAR = 64 << 20
"""Bytes that a developer's file about one photo has at most, masks included."""
_APPENDED = (".xmp", ".pp3", ".arp")
_DARKTABLE = ("darktable", "http://darktable.sf.net/")
_CAMERA_RAW = ("crs", "http://ns.adobe.com/camera-raw-settings/1.0/")
_DESCRIPTION = "<rdf:Description"
_NEW_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
    ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    '  <rdf:Description rdf:about=""/>\n'
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)


def mark_denoised(packet: bytes | None) -> bytes:
    """The XMP packet with the marks set, a new one where there is none; one that cannot be read stays as it is."""
    text = _NEW_PACKET if packet is None else _text(packet)
    if text is None:
        return packet or b""
    marked = _with_property(text, _DARKTABLE, "neural_restore", "raw-denoise")
    if _CAMERA_RAW[1] in text:
        for slider in ("LuminanceSmoothing", "ColorNoiseReduction"):
            marked = _with_property(marked, _CAMERA_RAW, slider, "0")
    return marked.encode("utf-8")


def copy_sidecars(source: Path, output: Path, *, denoised: bool) -> str | None:
    """Copy the sidecars of `source` to the names that `output` asks for; XMP of what is `denoised` with the marks set.

    A sidecar that `output` has already is left alone. Returns which could not be copied and why: the photo is there,
    and good without. Raises TargetFullError.
    """
    adobe = output.with_suffix(".xmp")
    targets = (adobe, adobe, *(output.with_name(output.name + suffix) for suffix in _APPENDED))
    failed = []
    for theirs, ours in zip(sidecars(source), targets, strict=True):
        try:
            if is_file(theirs) and not ours.exists():
                content = _content(theirs)
                marked = denoised and ours.suffix == ".xmp"
                write_atomically(ours, [mark_denoised(content) if marked else content], like=theirs)
        except TargetFullError:
            raise
        except (OutputError, OSError) as error:
            failed.append(f"{theirs.name} is not copied ({error})")
    return "; ".join(failed) or None


def sidecar_packet(source: Path) -> bytes | None:
    """The XMP of a photo's first sidecar that can be read, Adobe's before darktable's; None where there is none."""
    files = (path for path in sidecars(source) if path.suffix.lower() == ".xmp")
    packets = filter(None, map(read_packet, files))
    return next((packet for packet in packets if _text(packet) is not None), None)


def read_packet(path: Path) -> bytes | None:
    """The content of an XMP file; None where there is none, or more than a packet that is looked into has."""
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return path.read_bytes()
    except OSError:
        pass
    return None


def sidecars(photo: AnyPath) -> tuple[AnyPath, ...]:
    """The names that a photo's sidecars may have: Adobe's two, then darktable's, RawTherapee's and ART's."""
    appended = (photo.with_name(photo.name + suffix) for suffix in _APPENDED)
    return photo.with_suffix(".xmp"), photo.with_suffix(".XMP"), *appended


def is_file(path: Path) -> bool:
    """Whether a file is there; one of a name that is too long is not."""
    try:
        return path.is_file()
    except OSError:
        return False


def _content(sidecar: Path) -> bytes:
    size = sidecar.stat().st_size
    if size > LARGEST_SIDECAR:
        raise OutputError(f"{size >> 20} MiB are more than a sidecar has")
    return sidecar.read_bytes()


def _text(packet: bytes) -> str | None:
    """A packet as text; None where it is no XML, or too much of it."""
    if len(packet) > MOST_BYTES:
        return None
    try:
        text = packet.decode("utf-8")
        ElementTree.fromstring(text.strip("\0\ufeff \r\n"))
    except (UnicodeDecodeError, ElementTree.ParseError):
        return None
    return text


def _with_property(text: str, namespace: tuple[str, str], name: str, value: str) -> str:
    """Set a simple property, whether it is written as an attribute, as an element, or not at all."""
    prefix, uri = namespace
    key = f"{prefix}:{name}"
    for pattern in (rf'(\b{key}\s*=\s*")[^"]*(")', rf"(\b{key}\s*=\s*')[^']*(')", rf"(<{key}>)[^<]*(</{key}>)"):
        changed, count = re.subn(pattern, rf"\g<1>{value}\g<2>", text)
        if count:
            return changed
    declared = "" if f"xmlns:{prefix}=" in text else f' xmlns:{prefix}="{uri}"'
    return text.replace(_DESCRIPTION, f'{_DESCRIPTION}{declared} {key}="{value}"', 1)

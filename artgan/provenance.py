"""What is written inside each output file: how the picture came about, as an XMP packet.

The packet says with an IPTC term whether a picture is a capture, an edit or the work of a trained
model, and names the scan, the model and the settings. It travels with the file until a program
saves it anew; the catalog's outputs table is the record that lasts.

References:
    ISO 16684-1 (XMP); IPTC NewsCodes "Digital Source Type",
    http://cv.iptc.org/newscodes/digitalsourcetype/
"""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pyvips

from artgan.errors import CorruptAssetError, InvalidInputError, MissingAssetError
from artgan.keys import VERSION

MAX_PACKET_BYTES = 8192  # JPEG holds 64 kB at most, and libvips would drop a longer packet silently

_TERM_PREFIX = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_X = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_ARTGAN = "urn:artgan:provenance:1#"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "x": _X,
    "rdf": _RDF,
    "dc": _DC,
    "xmp": _XMP,
    "Iptc4xmpExt": _IPTC,
    "artgan": _ARTGAN,
}
for _prefix, _namespace in _PREFIXES.items():
    ElementTree.register_namespace(_prefix, _namespace)

_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{}\n<?xpacket end="r"?>'  # fixed id
)
# XML 1.0 cannot hold these, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_PROPERTIES = {
    "source_sha256": f"{{{_ARTGAN}}}SourceSha256",
    "model_id": f"{{{_ARTGAN}}}ModelId",
    "settings_sha256": f"{{{_ARTGAN}}}SettingsSha256",
    "tool_version": f"{{{_XMP}}}CreatorTool",
}
_TEXTS = {"title": f"{{{_DC}}}title", "note": f"{{{_DC}}}description"}
_SOURCE_TYPE = f"{{{_IPTC}}}DigitalSourceType"


class DigitalSourceType(StrEnum):
    """IPTC terms for how a picture came about; a value is the term without its prefix."""

    DIGITAL_CAPTURE = "digitalCapture"
    COMPUTATIONAL_CAPTURE = "computationalCapture"
    NEGATIVE_FILM = "negativeFilm"
    POSITIVE_FILM = "positiveFilm"
    PRINT = "print"
    HUMAN_EDITS = "humanEdits"
    COMPOSITE_CAPTURE = "compositeCapture"
    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    DIGITAL_CREATION = "digitalCreation"
    ALGORITHMICALLY_ENHANCED = "algorithmicallyEnhanced"
    ALGORITHMIC_MEDIA = "algorithmicMedia"
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA = "compositeWithTrainedAlgorithmicMedia"
    TRAINED_ALGORITHMIC_MEDIA = "trainedAlgorithmicMedia"


@dataclass(frozen=True)
class Provenance:
    """Where a picture comes from; fields that are None are left out.

    Attributes:
        source_sha256: sha256 of the scan it was made from.
        model_id: Model that made it.
        settings_sha256: sha256 of the settings that shaped it.
        tool_version: Program and version.
        title: Title for people.
        note: A sentence for people: what was done, and what the picture is not.
    """

    source_sha256: str | None = None
    model_id: str | None = None
    settings_sha256: str | None = None
    tool_version: str | None = f"artgan {VERSION}"
    title: str | None = None
    note: str | None = None


def xmp_packet(digital_source_type: DigitalSourceType, provenance: Provenance) -> bytes:
    """Write a provenance as an XMP packet, for the writers of `artgan.imaging.write`.

    Characters that XML cannot hold become U+FFFD. A long title or note is cut so that the packet
    stays below `MAX_PACKET_BYTES`.

    Raises:
        InvalidInputError: If the packet is too long even so.
    """
    root = ElementTree.Element(f"{{{_X}}}xmpmeta")
    rdf = ElementTree.SubElement(root, f"{{{_RDF}}}RDF")
    about = ElementTree.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    _add(about, _SOURCE_TYPE, _TERM_PREFIX + digital_source_type)
    for field in fields(provenance):
        value = getattr(provenance, field.name)
        if value is None:
            continue
        if field.name in _TEXTS:
            _add_text(about, _TEXTS[field.name], value)
        else:
            _add(about, _PROPERTIES[field.name], value)
    packet = _PACKET.format(ElementTree.tostring(root, encoding="unicode")).encode()
    if len(packet) > MAX_PACKET_BYTES:
        raise InvalidInputError(
            f"provenance must fit into {MAX_PACKET_BYTES} bytes, got {len(packet)}. Shorten it."
        )
    return packet


_MAX_TEXT_CHARACTERS = 500


def _add(parent: ElementTree.Element, tag: str, value: str) -> None:
    ElementTree.SubElement(parent, tag).text = _ILLEGAL.sub("\ufffd", value)


def _add_text(parent: ElementTree.Element, tag: str, value: str) -> None:
    """Add a text for people, which XMP keeps in several languages; ours has only the default."""
    if len(value) > _MAX_TEXT_CHARACTERS:
        value = value[: _MAX_TEXT_CHARACTERS - 1] + "…"
    alternatives = ElementTree.SubElement(ElementTree.SubElement(parent, tag), f"{{{_RDF}}}Alt")
    item = ElementTree.SubElement(alternatives, f"{{{_RDF}}}li", {_LANGUAGE: "x-default"})
    item.text = _ILLEGAL.sub("\ufffd", value)


def packet_of(path: Path) -> bytes | None:
    """Return a file's packet if it is one of ours, for what is made of the file for pages.

    Raises:
        CorruptAssetError: If it is no picture.
    """
    try:
        image = cast(Any, pyvips.Image.new_from_file(str(path), revalidate=True))
        packet = bytes(image.get("xmp-data")) if image.get_typeof("xmp-data") else b""
    except pyvips.Error as error:
        raise _unsound(path, error) from error
    return packet if _ARTGAN.encode() in packet and len(packet) <= MAX_PACKET_BYTES else None


def read_xmp(path: Path) -> dict[str, str]:
    """Read back what `xmp_packet` wrote, from a TIFF, PNG, JPEG or WebP file.

    Returns:
        ``digital_source_type`` and the fields of `Provenance` that are there; empty for a file
        without XMP. Other programs' properties are left out.

    Raises:
        MissingAssetError: If the file is not there.
        CorruptAssetError: If it is no picture or its packet is no XML.
    """
    if not path.exists():
        raise MissingAssetError(f"path must be a file, got {str(path)!r}. Check the name.")
    try:
        # A plain load would answer from libvips' cache for a file that was since replaced.
        image = cast(Any, pyvips.Image.new_from_file(str(path), revalidate=True))
        packet = image.get("xmp-data") if image.get_typeof("xmp-data") else b""
        return read_packet(bytes(packet)) if packet else {}
    except (pyvips.Error, ElementTree.ParseError) as error:
        raise _unsound(path, error) from error


def _unsound(path: Path, error: Exception) -> CorruptAssetError:
    words = (str(error).splitlines() or ["no details"])[0]
    return CorruptAssetError(f"{path.name} must be a picture with sound XMP, got {words!r}.")


class _WithoutEntities(ElementTree.TreeBuilder):
    """Builds a tree, but of no document that could declare entities: no XMP has a document type."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:  # noqa: ARG002
        """Refuse a document type."""
        raise ElementTree.ParseError(f"a document type {name!r}")


def stated_type(packet: bytes) -> DigitalSourceType | None:
    """Return the IPTC term in a packet of any program, None where there is none that we know."""
    try:
        term = read_packet(packet).get("digital_source_type")
        return DigitalSourceType(term) if term else None
    except (ElementTree.ParseError, ValueError):
        return None


def read_packet(packet: bytes) -> dict[str, str]:
    """Read a packet; see `read_xmp`.

    Raises:
        ElementTree.ParseError: If it is no XML, or declares a document type.
    """
    parser = ElementTree.XMLParser(target=_WithoutEntities())  # noqa: S314 - without entities
    parser.feed(packet.strip(b"\0 \r\n\t"))
    root = parser.close()
    names = {tag: name for name, tag in (_PROPERTIES | _TEXTS).items()}
    names[_SOURCE_TYPE] = "digital_source_type"
    found = {}
    for element in root.iter():
        if element.tag in names:
            text = "".join(element.itertext()).strip()
            found[names[element.tag]] = text.removeprefix(_TERM_PREFIX)
    return found

import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from PIL import Image, TiffImagePlugin

from artgan.errors import CorruptAssetError, InvalidInputError, MissingAssetError
from artgan.imaging.decode import SourceEncoding
from artgan.imaging.write import png_bytes
from artgan.provenance import (
    MAX_PACKET_BYTES,
    DigitalSourceType,
    Provenance,
    read_xmp,
    xmp_packet,
)
from tests.pictures import tiff_bytes

TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
RESTORED = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
NOTE = Provenance(
    source_sha256="ab" * 32,
    model_id="0123456789abcdef0123",
    settings_sha256="cd" * 32,
    tool_version="artgan 9.8",
    title='Portrait of <Anna & "Bob">, 富嶽 Праздник',
    note="Digital restoration\nof the image only.",
)


def picture(size=(40, 60)):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


def written(form, packet, size=(40, 60)):
    if form == "png":
        return png_bytes(picture(size), packet)
    if form == "tif":
        return tiff_bytes(picture(size), SourceEncoding("tiff", 8, 3), packet)
    buffer = io.BytesIO()
    Image.fromarray(picture(size)).save(buffer, "JPEG" if form == "jpg" else "WEBP", xmp=packet)
    return buffer.getvalue()


def packet_by_pillow(content: bytes) -> bytes:
    image = Image.open(io.BytesIO(content))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2[700]
    image.load()
    packet = image.info.get("xmp") or image.info["XML:com.adobe.xmp"]
    return packet.encode() if isinstance(packet, str) else packet


@pytest.mark.parametrize("form", ["png", "tif", "jpg", "webp"])
def test_what_is_written_into_a_file_is_read_back(form, tmp_path: Path):
    path = tmp_path / f"work.{form}"
    path.write_bytes(written(form, xmp_packet(RESTORED, NOTE)))
    assert read_xmp(path) == {
        "digital_source_type": "compositeWithTrainedAlgorithmicMedia",
        "source_sha256": NOTE.source_sha256,
        "model_id": NOTE.model_id,
        "settings_sha256": NOTE.settings_sha256,
        "tool_version": "artgan 9.8",
        "title": NOTE.title,
        "note": NOTE.note,
    }


@pytest.mark.parametrize("form", ["png", "tif"])
@pytest.mark.parametrize("size", [(40, 60), (2100, 2000)])
def test_pillow_and_libvips_find_the_same_packet(form, size):
    packet = xmp_packet(RESTORED, NOTE)
    content = written(form, packet, size)
    assert packet_by_pillow(content).strip(b"\0") == packet
    image = pyvips.Image.new_from_buffer(content, "")
    assert bytes(image.get("xmp-data")).strip(b"\0") == packet


def test_other_programs_find_the_iptc_term_and_the_title_where_the_standards_put_them():
    root = ElementTree.fromstring(xmp_packet(RESTORED, NOTE))
    term = root.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert term is not None
    assert term.text == TERM
    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    title = root.find(f".//{{http://purl.org/dc/elements/1.1/}}title/{rdf}Alt/{rdf}li")
    assert title is not None
    assert title.text == NOTE.title
    assert title.get("{http://www.w3.org/XML/1998/namespace}lang") == "x-default"


def test_fields_that_are_not_known_are_left_out():
    packet = xmp_packet(DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA, Provenance())
    assert b"CreatorTool>artgan" in packet
    assert b"SourceSha256" not in packet
    assert b"title" not in packet


def test_the_same_provenance_gives_the_same_bytes():
    assert xmp_packet(RESTORED, NOTE) == xmp_packet(RESTORED, NOTE)


def test_characters_that_xml_cannot_hold_are_replaced():
    packet = xmp_packet(RESTORED, Provenance(title="a\x00b\x0bc\ud800d"))
    assert "a\ufffdb\ufffdc\ufffdd" in packet.decode()


def test_long_titles_are_cut_so_that_the_packet_stays_small():
    packet = xmp_packet(RESTORED, Provenance(title="山" * 5000, note="&" * 5000))
    assert len(packet) <= MAX_PACKET_BYTES
    assert "山…" in packet.decode()


def test_an_identifier_that_cannot_be_cut_is_refused_when_too_long():
    with pytest.raises(InvalidInputError, match="provenance must fit into 8192 bytes"):
        xmp_packet(RESTORED, Provenance(model_id="x" * 9000))


def test_a_file_replaced_under_the_same_name_is_read_anew(tmp_path):
    path = tmp_path / "work.png"
    for title in ("first", "second"):
        path.write_bytes(png_bytes(picture(), xmp_packet(RESTORED, Provenance(title=title))))
        assert read_xmp(path)["title"] == title


def test_a_file_without_a_note_has_none_and_missing_or_broken_files_are_named(tmp_path):
    path = tmp_path / "plain.png"
    path.write_bytes(png_bytes(picture()))
    assert read_xmp(path) == {}
    path.write_bytes(png_bytes(picture(), b"<x:xmpmeta this is no xml"))
    with pytest.raises(CorruptAssetError, match=r"plain\.png must be a picture with sound XMP"):
        read_xmp(path)
    path.write_bytes(b"text")
    with pytest.raises(CorruptAssetError, match=r"plain\.png must be a picture"):
        read_xmp(path)
    with pytest.raises(MissingAssetError, match="path must be a file"):
        read_xmp(tmp_path / "nowhere.png")

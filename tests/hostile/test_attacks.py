"""Known attacks by what lies in an inbox, a table, a manifest, settings or a question."""

import re
import struct
import zlib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from artgan.config.plain_yaml import MOST_BYTES, load_plain_yaml
from artgan.errors import InvalidInputError
from artgan.imaging.write import png_bytes
from artgan.ingest.addresses import SourceUnavailable, check_address, check_public
from artgan.ingest.decoder_process import Limits, end_child
from artgan.ingest.decoders import judge_scan
from artgan.ingest.discover import FoundFile, discover
from artgan.ingest.inspect import AccessForm
from artgan.ingest.mapping import parse_mapping
from artgan.provenance import read_packet, stated_type
from artgan.storage import open_store
from flows.__main__ import run as artgan
from flows.plain_csv import csv_text
from tests.ingest.corpus.case import painting

EXTERNAL_SVG = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>'
)
PICTURES = {
    "postscript.jpg": (
        b"%!PS-Adobe-3.0 EPSF-3.0\nshowpage\n",
        "unsupported",
    ),
    "numbers.png": (b"3 3\n1 2 3\n4 5 6\n7 8 9\n", "not_an_image"),
    "table.tif": (b"a,b\n=1+1,2\n", "not_an_image"),
    "drawing.png": (EXTERNAL_SVG, "not_an_image"),
    "vips.jpg": (b"\xb6\xa6\xf2\x08" + bytes(200), "not_an_image"),
    "archive.png": (b"PK\x03\x04" + bytes(60), "not_an_image"),
}


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks)


def _tiff(entries: list[tuple[int, int, int, int]], count: int | None = None, after: int = 0):
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", count or len(entries))
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (head + body + struct.pack("<I", after)).ljust(300, b"\0")


_SIZE = [(256, 3, 1, 9), (257, 3, 1, 9), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
_DATA = [*_SIZE, (273, 4, 1, 200), (277, 3, 1, 1), (278, 3, 1, 9), (279, 4, 1, 81)]
_END = _chunk(b"IEND", b"")
FILES = {
    "huge-header.png": _png(65_500, 65_500),
    "huge-real.png": _png(
        *(20_000, 20_000, _chunk(b"IDAT", zlib.compress(bytes(20_001 * 20_000), 1)), _END)
    ),
    "profile-bomb.png": _png(
        9, 9, _chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(200_000_000), 1)), _END
    ),
    "circular.tif": _tiff(_DATA, after=8),
    "many-entries.tif": _tiff(_DATA, count=65_535),
    "data-past-the-end.tif": _tiff([*_SIZE, (273, 4, 1, 1 << 30), (279, 4, 1, 81)]),
    "endless-packet.tif": _tiff([*_DATA, (700, 1, 0xFFFFFFFF, 250)]),
    "wide.tif": _tiff([(256, 4, 1, 60_000), (257, 4, 1, 60_000), *_DATA[2:]]),
    "huge-frame.jpg": bytes.fromhex("ffd8ffc0000b08ffffffff01011100ffda000801010000003f00ffd9"),
}


@pytest.fixture(scope="module", autouse=True)
def _end():
    yield
    end_child()


def judged(path: Path, max_pixels: int = 10**8):
    found = FoundFile("c", f"c/{path.name}", path.stat().st_size, "v", "scan")
    limits = Limits(memory_mb=2000, seconds=30)
    return list(judge_scan(path, found, max_pixels, AccessForm("jpeg", 200), limits))


@pytest.mark.parametrize("name", PICTURES)
def test_what_only_has_the_name_of_a_picture_is_refused(tmp_path: Path, name: str) -> None:
    content, reason = PICTURES[name]
    (tmp_path / name).write_bytes(content)
    (refused,) = judged(tmp_path / name)
    assert refused.reason == reason


@pytest.mark.parametrize("name", FILES)
def test_bombs_and_broken_directories_end_in_a_reason_and_soon(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    for one in judged(tmp_path / name):
        assert one.reason in {
            *("truncated", "decode_failed", "too_large", "decompression_bomb", "unsupported"),
            *("not_an_image", "blank"),
        }


def test_a_link_that_leads_out_of_the_inbox_is_not_followed(tmp_path: Path) -> None:
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    (inbox / "prints" / "deep").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.png").write_bytes(png_bytes(painting()))
    (inbox / "prints" / "own.png").write_bytes(png_bytes(painting()))
    (inbox / "prints" / "same.png").symlink_to("own.png")
    (inbox / "prints" / "stolen.png").symlink_to(outside / "secret.png")
    (inbox / "prints" / "passwords.png").symlink_to("/etc/passwd")
    (inbox / "prints" / "deep" / "folder").symlink_to(outside)
    (inbox / "prints" / "deep" / "around").symlink_to(inbox / "prints")
    (inbox / "prints" / "nowhere.png").symlink_to("nothing")
    found = [file.path for file in discover(open_store(str(inbox)), "prints")]
    assert found == ["prints/own.png", "prints/same.png"]


def test_a_collection_on_another_disk_is_read(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.png").write_bytes(png_bytes(painting()))
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "prints").symlink_to(tmp_path / "disk")
    found = [file.path for file in discover(open_store(str(tmp_path / "inbox")), "prints")]
    assert found == ["prints/a.png"]


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/passwd", "a/\0b"])
def test_no_key_leads_out_of_a_store(tmp_path: Path, key: str) -> None:
    store = open_store(str(tmp_path / "root"))
    for act in (store.exists, store.read, store.delete, lambda key: store.write(key, b"x")):
        with pytest.raises(InvalidInputError, match="must lie below"):
            act(key)


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "gopher://127.0.0.1/", "http://127.0.0.1/", "http://2130706433/"),
        *("http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/", "http://169.254.169.254/latest"),
        *("http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/"),
        *("http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/"),
        *("http://[fec0::1]/", "http://[fe80::1%25eth0]/", "http://[fd00::1]/", "http://[::]/"),
        *("http://[::7f00:1]/", "http://224.0.0.1/", "http://10.0.0.1/", "http://localhost/"),
        *("http://0.0.0.0/", "http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/", "http:///x"),
    ],
)
def test_addresses_of_the_own_network_are_not_asked_however_written(url: str) -> None:
    with pytest.raises((SourceUnavailable, OSError)):  # OSError: no name server knows it
        check_address(url, allow_private=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_may_be_asked(address: str) -> None:
    check_public("https://example.org", address)


def bomb(levels: int = 9) -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for at in range(levels):
        inner = ", ".join(f"*{chr(97 + at)}" for _ in range(9))
        lines.append(f"{chr(98 + at)}: &{chr(98 + at)} [{inner}]")
    return "\n".join(lines)


YAMLS = {
    "a tag that runs": "title: !!python/object/apply:os.system ['touch /tmp/artgan-was-here']",
    "a tag that builds": "title: !!python/name:os.system ''",
    "aliases": bomb(),
    "an alias of itself": "a: &a [*a]",
    "nesting": "[" * 5000,
    "length": "a: " + "x" * MOST_BYTES,
    "a number of many digits": "a: " + "9" * 10_000,
    "no date": "a: 2001-99-99",
    "control characters": "a: \x07",
}


@pytest.mark.parametrize("what", YAMLS)
def test_yaml_runs_nothing_and_stays_small(tmp_path: Path, what: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_plain_yaml(YAMLS[what])
    with pytest.raises(InvalidInputError, match="mapping must be YAML or JSON"):
        parse_mapping("prints/mapping.yaml", YAMLS[what].encode())
    (tmp_path / "settings.yaml").write_text(YAMLS[what])
    assert artgan(["publish", "--config", str(tmp_path / "settings.yaml")]) == 2
    assert not Path("/tmp/artgan-was-here").exists()


LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>&b;</x:xmpmeta>"
)


@pytest.mark.parametrize(
    "packet", [LAUGHS, EXTERNAL_SVG, LAUGHS.decode().encode("utf-16"), b"<a", b"", b"\0" * 99]
)
def test_packets_with_entities_are_not_read(packet: bytes) -> None:
    assert stated_type(packet) is None
    with pytest.raises(SyntaxError):
        read_packet(packet)


FORMULAS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", '  =HYPERLINK("http://x")']


def test_no_text_of_an_export_is_a_formula() -> None:
    rows = pd.DataFrame({"title": FORMULAS, "=n": range(len(FORMULAS)), "v": [-1.5] * 7})
    read = pd.read_csv(pd.io.common.StringIO(csv_text(rows)))
    assert list(read.columns) == ["title", "'=n", "v"]
    assert all(title.startswith("'") for title in read["title"])
    assert list(read["v"]) == [-1.5] * 7


def test_settings_are_data(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for root in ("http://127.0.0.1/x", "gs://bucket", "jdbc:x://y"):
        assert artgan(["publish", "--root", root]) == 2
    marked = "$(touch /tmp/artgan-was-here)"
    assert artgan(["query", "select 1", "--root", str(tmp_path / marked)]) == 2
    assert not Path("/tmp/artgan-was-here").exists()
    assert "must" in capsys.readouterr().err


def test_no_module_of_ours_unpickles_or_runs_a_shell() -> None:
    words = ("import pickle", "joblib", "weights_only=False", "shell=True", "yaml.unsafe_load")
    words += ("os.system(", "extractall(")
    top = Path(__file__).parents[2]
    for place in ("artgan", "tasks", "flows", "deployments"):
        for path in (top / place).rglob("*.py"):
            text = path.read_text("utf-8")
            assert not [word for word in words if word in text], path
            loads = re.findall(r"(?<!safetensors\.)torch\.load\(", text)
            assert len(loads) == text.count("weights_only=True"), path

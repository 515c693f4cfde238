"""Thousands of files, tables, manifests and settings that are nearly sound: each gets a judgement.

Inputs are made from sound ones by a seeded generator, so a failure comes back. A few hundred are
tried each time, 20,000 in the slow test; ``ARTGAN_FUZZ_SEED`` tries others.
"""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from artgan.config import IngestSettings, RestoreSettings
from artgan.config.plain_yaml import load_plain_yaml
from artgan.errors import InvalidInputError
from artgan.imaging.write import AccessForm
from artgan.ingest.addresses import SourceUnavailable, check_public
from artgan.ingest.decoder_process import CRASHED, TIMED_OUT, Limits, end_child
from artgan.ingest.decoders import judge_scan
from artgan.ingest.discover import FoundFile, discover
from artgan.ingest.inspect import Accepted
from artgan.ingest.mapping import lay_over, parse_mapping
from artgan.ingest.presentation import kind_of, members_of, pictures_of
from artgan.ingest.rows import Row, Table
from artgan.ingest.services import offers_of
from artgan.ingest.tables import parse_table
from artgan.provenance import DigitalSourceType, Provenance, read_packet, xmp_packet
from artgan.storage import open_store
from tests.ingest.corpus.all import CORPUS, pages_of
from tests.ingest.corpus.case import ACCEPTED

SEED = int(os.environ.get("ARTGAN_FUZZ_SEED", "0"))
FEW, MANY = 240, 20_000
PAGE_S = 20.0
REASONS = {
    *("empty_file", "not_an_image", "truncated", "unsupported", "too_large"),
    *("decompression_bomb", "decode_failed", "blank", "out_of_memory", CRASHED),
}
_EDGES = [b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\x01\0\0\0", b"\0\0\0\x01"]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one to eight places: bits, extreme numbers, pieces lost, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        if not changed:
            break
        # Headers matter more than pixels.
        reach = min(len(changed), 600) if rng.random() < 0.6 else len(changed)
        at, length = int(rng.integers(reach)), int(rng.integers(1, 33))
        match int(rng.integers(11)) // 2:
            case 0:
                changed[at] ^= 1 << int(rng.integers(8))
            case 1:
                changed[at] = int(rng.integers(256))
            case 2:
                changed[at : at + 4] = _EDGES[int(rng.integers(len(_EDGES)))]
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length]
            case _:
                del changed[max(at, 4) :]
    return bytes(changed)


@pytest.fixture(scope="module")
def pictures() -> list[tuple[str, bytes]]:
    return [(case.name, case.write()) for case in CORPUS if ACCEPTED in pages_of(case)]


@pytest.fixture(scope="module", autouse=True)
def _end():
    yield
    end_child()


def decode_all(pictures, folder: Path, count: int) -> Counter[str]:
    """Judge mutated pictures; return how often each reason was given."""
    limits, form = Limits(memory_mb=2000, seconds=PAGE_S), AccessForm("jpeg", 64)
    seen: Counter[str] = Counter()
    inbox = folder / "inbox"
    inbox.mkdir()
    for number in range(count):
        rng = np.random.default_rng((SEED, number))
        name, content = pictures[number % len(pictures)]
        path = inbox / name
        path.write_bytes(mutated(content, rng))
        found = FoundFile("c", f"c/{name}", path.stat().st_size, "v", "scan")
        started_s = time.monotonic()
        judged = list(judge_scan(path, found, 4_000_000, form, limits))
        assert judged, (number, name)
        assert time.monotonic() - started_s < 4 * PAGE_S, (number, name)
        for one in judged:
            reason = ACCEPTED if isinstance(one, Accepted) else one.reason
            if reason == CRASHED:
                assert "died of SIG" in one.message, (number, name, one.message)
            seen[reason] += 1
        path.unlink()
    assert [path.name for path in folder.iterdir()] == ["inbox"]
    return seen


def test_mutated_pictures_all_get_a_judgement(pictures, tmp_path: Path) -> None:
    seen = decode_all(pictures, tmp_path, FEW)
    assert set(seen) <= {ACCEPTED, *REASONS}
    assert seen[ACCEPTED] > 0
    assert sum(seen.values()) - seen[ACCEPTED] > FEW // 4


CSV = (
    b"file;title;artist;date;height (cm)\na.tif;A & B;Anon.;c. 1650-60;30,5\n"
    b'b.tif;"say ""no""";=1+1;19th century;12\n'
)
JSON = json.dumps(
    {"data": [{"file": "a.tif", "title": {"en": "A"}, "sizes": [{"height": 3, "unit": "cm"}]}]}
).encode()
MAPPING = b"title: Object Title\nartist: [Maker, Author]\nunits: cm\nscan_name: '^(.*)$'\n"
SETTINGS = b"root: /tmp/x\ninbox: /tmp/y\nmax_megapixels: 100\ncollections: [a, b]\nsettle_s: 2\n"
SERVICE = {"id": "https://example.org/s", "type": "ImageService3"}
MANIFEST = json.dumps(
    {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": "https://example.org/m",
        "type": "Manifest",
        "label": {"en": ["A"]},
        "metadata": [{"label": {"en": ["Artist"]}, "value": {"none": ["B"]}}],
        "items": [
            {
                "id": "https://example.org/c",
                "type": "Canvas",
                "width": 100,
                "height": 80,
                "items": [
                    {
                        "type": "AnnotationPage",
                        "items": [
                            {
                                "type": "Annotation",
                                "motivation": "painting",
                                "body": {
                                    "id": "https://example.org/i.jpg",
                                    "type": "Image",
                                    "width": 100,
                                    "service": [
                                        {"id": "https://example.org/s", "type": "ImageService3"}
                                    ],
                                },
                            }
                        ],
                    }
                ],
            }
        ],
    }
).encode()
OLD_MANIFEST = json.dumps(
    {
        "@type": "sc:Manifest",
        "@id": "https://example.org/m",
        "label": "A",
        "sequences": [
            {
                "canvases": [
                    {
                        "@id": "c",
                        "images": [
                            {
                                "resource": {
                                    "@id": "https://example.org/i.jpg",
                                    "service": {"@id": "https://example.org/s"},
                                }
                            }
                        ],
                    }
                ]
            }
        ],
    }
).encode()
INFO = {"id": "https://example.org/s", "type": "ImageService3", "width": 100, "height": 80}


def read_table(name: str) -> Callable[[bytes], None]:
    def read(content: bytes) -> None:
        table = parse_table(f"prints/{name}", content)
        columns = lay_over(None, table.headings)
        laid = Table(table, columns, len(table.headings), is_own=True)
        for number in range(len(table.rows)):
            Row(laid, number).fields()

    return read


def read_mapping(content: bytes) -> None:
    with contextlib.suppress(InvalidInputError):
        parse_mapping("prints/mapping.yaml", content)


def read_settings(content: bytes) -> None:
    with contextlib.suppress(yaml.YAMLError, ValidationError, UnicodeDecodeError):
        given = load_plain_yaml(content.decode())
        if isinstance(given, dict):
            IngestSettings.model_validate(given)


def read_manifest(content: bytes) -> None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):  # as `Web.read_json` refuses it
        return
    kind = kind_of(document)
    if kind == "collection":
        members_of(document)
    if kind != "manifest":
        return
    for picture in pictures_of(document, "https://example.org/m"):
        with contextlib.suppress(SourceUnavailable):
            offers_of(picture, lambda _url: INFO)


def read_mark(content: bytes) -> None:
    with contextlib.suppress(ElementTree.ParseError):
        read_packet(content)


MARK = xmp_packet(DigitalSourceType.DIGITAL_CAPTURE, Provenance(title="A & B", model_id="m"))
READERS: dict[str, tuple[bytes, Callable[[bytes], None]]] = {
    "csv": (CSV, read_table("list.csv")),
    "json": (JSON, read_table("list.json")),
    "jsonl": (JSON + b"\n" + JSON, read_table("list.jsonl")),
    "mapping": (MAPPING, read_mapping),
    "settings": (SETTINGS, read_settings),
    "manifest": (MANIFEST, read_manifest),
    "old manifest": (OLD_MANIFEST, read_manifest),
    "mark": (MARK, read_mark),
}


def read_all(name: str, count: int) -> None:
    content, read = READERS[name]
    for number in range(count):
        rng = np.random.default_rng((SEED, number, len(name)))
        read(mutated(content, rng))


@pytest.mark.parametrize("name", READERS)
def test_mutated_texts_are_read_or_refused_in_words(name: str) -> None:
    read_all(name, FEW)


def values(depth: int = 3):
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    keys = st.sampled_from(
        [
            *("items", "type", "id", "@id", "label", "body", "service", "images", "resource"),
            *("sequences", "canvases", "metadata", "value", "width", "height", "motivation"),
        ]
    )
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=depth) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=25,
    )


@given(document=values(), kind=st.sampled_from(["Manifest", "sc:Manifest", "Collection"]))
@settings(max_examples=FEW, deadline=None, derandomize=True)
def test_any_manifest_is_read_or_empty(document, kind: str) -> None:
    whole = document if isinstance(document, dict) else {"items": document}
    read_manifest(json.dumps({**whole, "type": kind, "@type": kind}).encode())


@given(name=st.text(min_size=1, max_size=60), scan=st.text(max_size=70))
@settings(max_examples=FEW, deadline=None, derandomize=True)
def test_any_form_value_is_data(name: str, scan: str) -> None:
    with contextlib.suppress(ValidationError):
        form = RestoreSettings(root="/nowhere", collections=[name], scan=scan or None)
        assert form.scan is None or set(form.scan) <= set("0123456789abcdef")


@given(
    names=st.lists(
        st.text(
            st.characters(exclude_characters="/\0", exclude_categories=("Cs",)),
            min_size=1,
            max_size=40,
        ).filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200),
        min_size=2,
        max_size=2,
    )
)
@settings(max_examples=FEW, deadline=None, derandomize=True)
def test_files_of_any_name_stay_in_their_inbox(tmp_path_factory, names: list[str]) -> None:
    inbox = tmp_path_factory.mktemp("inbox")
    folder = inbox / names[0]
    folder.mkdir()
    (folder / names[1]).write_bytes(b"x")
    store = open_store(str(inbox))
    for file in discover(store, names[0]):
        assert file.path == f"{names[0]}/{names[1]}"
        with store.local(file.path) as path:
            assert path.resolve().is_relative_to(inbox.resolve())


@given(address=st.ip_addresses())
@settings(max_examples=1000, deadline=None, derandomize=True)
def test_any_address_is_allowed_or_refused(address) -> None:
    with contextlib.suppress(SourceUnavailable):
        check_public("https://example.org", str(address))


@pytest.mark.slow
def test_twenty_thousand_inputs(pictures, tmp_path: Path, record_property) -> None:
    for name in READERS:
        read_all(name, MANY // 4 // len(READERS))
    seen = decode_all(pictures, tmp_path, MANY - MANY // 4)
    assert set(seen) <= {ACCEPTED, *REASONS}
    assert seen[TIMED_OUT] == 0
    record_property("reasons", dict(seen))

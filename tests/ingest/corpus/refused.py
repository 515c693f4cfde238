"""Files that are refused, each with its reason, and books of which some pages are."""

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image, TiffImagePlugin

from tests.ingest.corpus.case import ACCEPTED, Case, painting, saved, written
from tests.ingest.corpus.other import psd
from tests.ingest.corpus.tiff import DEEP, GREY, RGB, RGBA, tiff, vips_tiff

LARGE = painting(seed=20).repeat(4, axis=0).repeat(4, axis=1)  # 192 x 256, some files' worth
GRAINY = np.random.default_rng(21).integers(0, 256, (192, 256, 3), dtype=np.uint8)
_SHORT, _LONG = 3, 4  # types of TIFF


def cases() -> list[Case]:
    """Every file of the corpus that is refused, wholly or in part."""
    return [*_no_pictures(), *_unsupported(), *_cut(), *_damaged(), *_blank(), *_large(), *_books()]


def _of(reason: str, files: dict[str, bytes | Callable[[], bytes]]) -> list[Case]:
    return [
        Case(
            name,
            (lambda content=content: content) if isinstance(content, bytes) else content,
            reason,
        )
        for name, content in files.items()
    ]


def _no_pictures() -> list[Case]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    text = {
        "letter.jpg": b"A list of works, saved under the wrong name.",
        "letter-that-begins-like-a-bitmap.bmp": b"BM and W, two letters",
        "page.tif": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "document.png": packed.getvalue(),
        "zeros.tif": bytes(5000),
        "film.mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + bytes(99),
    }
    return [*_of("empty_file", {"empty.tif": b"", "empty.jpg": b""}), *_of("not_an_image", text)]


def _retagged(content: bytes, tag: int, value: int) -> bytes:
    """Change a short tag of a little-endian TIFF where it stands."""
    changed = bytearray(content)
    place = changed.find(struct.pack("<HHI", tag, _SHORT, 1))
    assert place > 0
    changed[place + 8 : place + 10] = struct.pack("<H", value)
    return bytes(changed)


def _unsupported() -> list[Case]:
    raw = TiffImagePlugin.ImageFileDirectory_v2()
    raw[50_706] = b"\x01\x04\x00\x00"
    plain = tiff(RGB)
    return _of(
        "unsupported",
        {
            "document.pdf": b"%PDF-1.7 ...",
            "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
            "layout.ps": b"%!PS-Adobe-3.0 EPSF-3.0",
            "new.jxl": imagecodecs.jpegxl_encode(RGB),
            "bare.jxl": imagecodecs.jpegxl_encode(RGB, usecontainer=False),
            "phone.heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(99),
            "phone-mif1.heic": b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic" + bytes(99),
            "camera.cr3": b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom" + bytes(99),
            "camera.raf": b"FUJIFILMCCD-RAW 0201FF129505" + bytes(99),
            "wide-range.jxr": imagecodecs.jpegxr_encode(RGB),
            "plain.ppm": imagecodecs.jpeg8_encode(RGB)[:0] + b"P6\n2 1\n255\n" + bytes(6),
            "twelve-bits.jpg": imagecodecs.jpeg8_encode(DEEP >> 4, bitspersample=12),
            "near-lossless.jpg": imagecodecs.jpegls_encode(RGB),
            "camera.dng": saved(RGB, "TIFF", tiffinfo=raw),
            "previews-only.nef": _previews_of_raw,
            "mosaic.tif": lambda: tiff(GREY, photometric="cfa"),
            "linear-raw.tif": lambda: tiff(DEEP, photometric=34892),
            "fax-colour.tif": lambda: tiff(RGB, photometric=10),
            "luminance.tif": lambda: tiff(GREY, photometric=32844),
            "old-jpeg.tif": lambda: _retagged(plain, 259, 6),
            "unknown-codec.tif": lambda: _retagged(plain, 259, 34_999),
            "jpeg-xr-inside.tif": lambda: tiff(RGB, compression="jpegxr"),
            "whole-32.tif": lambda: tiff(DEEP.astype(np.uint32)),
            "signed-16.tif": lambda: tiff(DEEP.astype(np.int16)),
            "signed-8.tif": lambda: tiff(GREY.astype(np.int8)),
            "other-inks.tif": lambda: tiff(
                RGBA, photometric="separated", extratags=[(332, _SHORT, 1, 2, True)]
            ),
            "without-composite.psd": lambda: psd(RGB, 3, composite=False),
            "duotone.psd": lambda: psd(GREY, 8),
        },
    )


def _previews_of_raw() -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(RGB[::4, ::4].copy(), photometric="rgb", subfiletype=1, subifds=1)
        writer.write(GREY, photometric="cfa")
    return buffer.getvalue()


def _cut() -> list[Case]:
    whole = {
        "cut.jpg": saved(GRAINY, "JPEG"),
        "cut-progressive.jpg": saved(GRAINY, "JPEG", progressive=True),
        "cut.png": saved(GRAINY, "PNG"),
        "cut.webp": saved(GRAINY, "WEBP"),
        "cut.jp2": saved(GRAINY, "JPEG2000"),
        "cut-16.jp2": imagecodecs.jpeg2k_encode(
            GRAINY * np.uint16(257), codecformat="jp2", level=0
        ),
        "cut.avif": saved(GRAINY, "AVIF", quality=95),
        "cut.gif": saved(Image.fromarray(GRAINY).quantize(200), "GIF"),
        "cut.bmp": saved(GRAINY, "BMP"),
        "cut.psd": psd(GRAINY, 3),
        "cut-packed.psd": psd(GRAINY, 3, packed=True),
        "cut-none.tif": tiff(GRAINY),
        "cut-lzw.tif": tiff(GRAINY, compression="lzw"),
        "cut-zstd.tif": tiff(GRAINY, compression="zstd"),
        "cut-jpeg2000.tif": tiff(GRAINY, compression="jpeg2000"),
        "cut-tiled.tif": tiff(GRAINY, tile=(64, 64), compression="lzw"),
        "cut-before-the-directory.tif": vips_tiff(GRAINY, compression="deflate"),
    }
    halves = {name: content[: len(content) // 2] for name, content in whole.items()}
    nearly = {f"nearly-{name}": content[:-200] for name, content in whole.items()}
    nearly = {
        name: nearly[name] for name in ("nearly-cut.jpg", "nearly-cut.png", "nearly-cut-none.tif")
    }
    header = {
        "only-a-header.png": whole["cut.png"][:20],
        "only-a-header.tif": whole["cut-none.tif"][:6],
    }
    return _of("truncated", halves | nearly | header)


def damaged(content: bytes, at: float = 0.5, count: int = 8) -> bytes:
    """Turn over all bits of some bytes."""
    changed = bytearray(content)
    start = int(len(content) * at)
    changed[start : start + count] = bytes(255 - one for one in changed[start : start + count])
    return bytes(changed)


def _first_data(content: bytes) -> int:
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        return opened.pages[0].dataoffsets[0]


def _damaged_tiff(array: np.ndarray, **options: Any) -> bytes:
    """Zero the first bytes of the data, which every codec needs."""
    content = bytearray(tiff(array, **options))
    start = _first_data(bytes(content))
    content[start : start + 24] = bytes(24)
    return bytes(content)


def _damaged() -> list[Case]:
    one_bit = bytearray(saved(LARGE, "PNG"))
    one_bit[len(one_bit) // 2] ^= 1
    return _of(
        "decode_failed",
        {
            "damaged.png": damaged(saved(LARGE, "PNG")),
            "one-bit.png": bytes(one_bit),
            "damaged-deflate.tif": damaged(tiff(LARGE, compression="zlib")),
            "damaged-lzw.tif": lambda: _damaged_tiff(LARGE, compression="lzw"),
            "damaged-zstd.tif": lambda: _damaged_tiff(LARGE, compression="zstd"),
            "damaged-lzma.tif": lambda: _damaged_tiff(LARGE, compression="lzma"),
            "damaged-jpeg2000.tif": lambda: _damaged_tiff(LARGE, compression="jpeg2000"),
            "damaged-jpeg.tif": lambda: _damaged_tiff(LARGE, compression="jpeg"),
            "damaged-tile-deflate.tif": damaged(
                tiff(LARGE, tile=(64, 64), compression="zlib"), 0.7
            ),
            "damaged-tile-lzw.tif": lambda: _damaged_tiff(LARGE, tile=(64, 64), compression="lzw"),
            "damaged-tile-zstd.tif": lambda: _damaged_tiff(
                LARGE, tile=(64, 64), compression="zstd"
            ),
            "damaged-pyramid.tif": lambda: damaged(
                vips_tiff(GRAINY, tile=True, pyramid=True, compression="deflate"), 0.3
            ),
            "missing-tile.tif": _missing_tile,
            "not-that-codec.tif": lambda: _retagged(tiff(LARGE, compression="lzw"), 259, 34_712),
            "damaged.webp": damaged(saved(LARGE, "WEBP", lossless=True), 0.05, 40),
            "damaged.gif": lambda: damaged(
                saved(Image.fromarray(LARGE).quantize(200), "GIF"), 0.5, 200
            ),
            "damaged-packed.psd": lambda: damaged(psd(LARGE, 3, packed=True), 0.5, 40),
        },
    )


def _missing_tile() -> bytes:
    content = bytearray(tiff(LARGE, tile=(64, 64), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        place = opened.pages[0].tags[325].valueoffset
        kind = opened.pages[0].tags[325].dtype
    size = 2 if kind == _SHORT else 4
    content[place : place + size] = bytes(size)
    return bytes(content)


def _blank() -> list[Case]:
    clear = np.dstack([RGB, np.zeros_like(GREY)])
    glass = np.dstack([np.full_like(RGB, 90), np.full_like(GREY, 128)])
    return _of(
        "blank",
        {
            "black.png": saved(np.zeros_like(RGB), "PNG"),
            "white.jpg": saved(np.full_like(RGB, 255), "JPEG"),
            "black-16.tif": tiff(np.zeros_like(DEEP), compression="zlib"),
            "black-zstd.tif": tiff(np.zeros_like(DEEP), compression="zstd"),
            "grey-cmyk.tif": tiff(np.full_like(RGBA, 40), photometric="separated"),
            "clear.png": saved(clear, "PNG"),
            "clear.webp": saved(clear, "WEBP", lossless=True),
            "glass.png": saved(glass, "PNG"),
            "black-float.tif": tiff(np.zeros(RGB.shape, np.float32)),
            "one-pixel.png": saved(RGB[:1, :1].copy(), "PNG"),
        },
    )


def _large() -> list[Case]:
    grainy = np.random.default_rng(22).integers(0, 256, (600, 600), dtype=np.uint8)
    flat = np.zeros((3000, 3000), np.uint8)
    wide = {
        "large.jpg": saved(grainy, "JPEG"),
        "large.png": saved(grainy, "PNG"),
        "large.bmp": saved(grainy, "BMP"),
        "large.jp2": imagecodecs.jpeg2k_encode(grainy, codecformat="jp2", level=0),
        "large.tif": tiff(grainy),
        "large-zstd.tif": tiff(grainy, compression="zstd"),
        "large.psd": psd(grainy, 1),
        "large-bilevel.tif": saved(Image.fromarray(grainy > 127), "TIFF", compression="group4"),
    }
    bombs = {
        "bomb.png": saved(flat, "PNG"),
        "bomb.tif": tiff(flat, compression="zlib"),
        "bomb-zstd.tif": tiff(flat, compression="zstd"),
        "bomb.webp": saved(flat, "WEBP", lossless=True),
        "bomb.gif": saved(flat, "GIF"),
    }
    return [*_of("too_large", wide), *_of("decompression_bomb", bombs)]


def _books() -> list[Case]:
    pages = [painting(seed=30), painting(1, seed=31), painting(seed=32)]
    broken = bytearray(tiff(*pages, compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(broken)) as opened:
        second, third = opened.pages[1].dataoffsets[0], opened.pages[2]
        directory, data = third.offset, third.dataoffsets[0]
    whole = bytes(broken)
    broken[second : second + 8] = bytes(8)
    first_two = (written(pages[0]), written(pages[1]))
    return [
        Case(
            "second-page-damaged.tif",
            lambda: bytes(broken),
            (ACCEPTED, "decode_failed", ACCEPTED),
            pixels=(written(pages[0]), written(pages[2])),
            facts={"pages": 3},
        ),
        Case(
            "third-page-cut.tif",
            lambda: whole[: data + 9],
            (ACCEPTED, ACCEPTED, "truncated"),
            pixels=first_two,
        ),
        Case(
            "third-directory-cut.tif",
            lambda: whole[: directory + 9],
            (ACCEPTED, ACCEPTED, "truncated"),
            pixels=first_two,
        ),
        Case(
            "second-page-blank.tif",
            lambda: tiff(pages[0], np.zeros_like(pages[0]), compression="lzw"),
            (ACCEPTED, "blank"),
            pixels=written(pages[0]),
        ),
        Case(
            "first-page-unsupported.tif",
            lambda: tiff(DEEP.astype(np.int16), pages[0], photometric="rgb"),
            ("unsupported", ACCEPTED),
            pixels=written(pages[0]),
        ),
    ]

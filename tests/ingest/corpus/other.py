"""WebP, JPEG 2000, AVIF, BMP, GIF and PSD: written by Pillow, imagecodecs, libvips."""

import io
import struct
from typing import Any

import cv2
import imagecodecs
import numpy as np
from PIL import Image, ImageCms
from psd_tools import PSDImage

from artgan.sample.icc import ADOBE_RGB, profile_bytes
from tests.ingest.corpus.case import (
    Case,
    Reader,
    by_littlecms,
    exif_of,
    painting,
    rotated,
    saved,
    with_pillow,
    written,
)
from tests.ingest.corpus.colour import PRESS
from tests.ingest.corpus.common import PALETTE, ROUNDING, SECOND, lossless, pillow
from tests.ingest.corpus.tiff import (
    BILEVEL,
    CMYK,
    DEEP,
    DEEP_GREY,
    GREY,
    RGB,
    RGBA,
)


def cases() -> list[Case]:
    """Every other picture of the corpus that is accepted."""
    return [*_webp(), *_jpeg2000(), *_avif(), *_simple(), *_psd(), *_named()]


def _webp() -> list[Case]:
    adobe = profile_bytes(ADOBE_RGB)
    second = [Image.fromarray(SECOND)]
    return [
        Case(
            "lossy.webp",
            lambda: saved(RGB, "WEBP", quality=90),
            pixels=pillow("RGB"),
            within=ROUNDING,
        ),
        lossless("lossless.webp", saved(RGB, "WEBP", lossless=True), RGB),
        lossless("alpha.webp", saved(RGBA, "WEBP", lossless=True, exact=True), RGBA),
        lossless(
            "animated.webp",
            saved(RGB, "WEBP", lossless=True, save_all=True, append_images=second),
            RGB,
            pages=2,
        ),
        lossless(
            "turned.webp",
            saved(rotated(RGB, 6), "WEBP", lossless=True, exif=exif_of(6)),
            RGB,
            orientation=6,
        ),
        Case(
            "adobe-rgb.webp",
            lambda: saved(RGB, "WEBP", lossless=True, icc_profile=adobe),
            pixels=written(RGB),
            shown=written(by_littlecms(Image.fromarray(RGB), adobe)),
        ),
    ]


def _jpeg2000() -> list[Case]:
    def coded(array: np.ndarray, form: str, **options: Any) -> bytes:
        return imagecodecs.jpeg2k_encode(array, codecformat=form, level=0, **options)

    twelve = np.round(np.arange(4096) * (65_535 / 4095)).astype(np.uint16)
    kept = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
    by_opencv = cv2.imencode(".jp2", DEEP[:, :, ::-1], kept)[1].tobytes()
    return [
        lossless("rgb-8.jp2", coded(RGB, "jp2"), RGB, bit_depth=8, format="jp2"),
        lossless("rgb-16.jp2", coded(DEEP, "jp2"), DEEP, bit_depth=16),
        lossless("rgb-16-opencv.jp2", by_opencv, DEEP),
        lossless("grey-8.jp2", coded(GREY, "jp2"), GREY),
        lossless("grey-16.jp2", coded(DEEP_GREY, "jp2"), DEEP_GREY),
        lossless(
            "grey-12.jp2", coded(DEEP_GREY >> 4, "jp2", bitspersample=12), twelve[DEEP_GREY >> 4]
        ),
        lossless(
            "rgb-12.jp2", coded(DEEP >> 4, "jp2", bitspersample=12), twelve[DEEP >> 4], bit_depth=12
        ),
        lossless("alpha-8.jp2", coded(RGBA, "jp2"), RGBA),
        lossless("rgb-8.j2k", coded(RGB, "j2k"), RGB),
        lossless("rgb-16.j2k", coded(DEEP, "j2k"), DEEP),
        Case(
            "lossy.jp2",
            lambda: saved(
                RGB, "JPEG2000", quality_mode="dB", quality_layers=[45], irreversible=True
            ),
            pixels=imagecodecs.jpeg2k_decode,
            within=1,
        ),
    ]


def _avif() -> list[Case]:
    def deep(bits: int) -> Case:
        top = 2**bits - 1
        content = imagecodecs.avif_encode(DEEP >> (16 - bits), level=100, bitspersample=bits)

        def expected(content: bytes) -> np.ndarray:
            codes = imagecodecs.avif_decode(content)
            return np.round(codes * (65_535 / top)).astype(np.uint16)

        return Case(
            f"rgb-{bits}.avif",
            lambda: content,
            pixels=expected,
            within=1,
            facts={"bit_depth": bits},
        )

    second = [Image.fromarray(SECOND)]
    return [
        Case(
            "rgb-8.avif",
            lambda: saved(RGB, "AVIF", quality=90, subsampling="4:4:4"),
            pixels=pillow("RGB"),
            within=2,
            facts={"format": "avif"},
        ),
        Case(
            "alpha.avif",
            lambda: saved(RGBA, "AVIF", quality=95, subsampling="4:4:4"),
            pixels=pillow("RGBA"),
            within=2,
        ),
        Case(
            "half-colour.avif",
            lambda: saved(RGB, "AVIF", quality=90),
            pixels=pillow("RGB"),
            within=20,  # libheif repeats a colour for its neighbours, libavif blends between them
            mean=4,
        ),
        deep(10),
        deep(12),
        Case(
            "animated.avif",
            lambda: saved(RGB, "AVIF", subsampling="4:4:4", save_all=True, append_images=second),
            pixels=pillow("RGB"),
            within=2,
        ),
    ]


def _simple() -> list[Case]:
    frames = [Image.fromarray(SECOND).quantize(50)]
    opaque = np.dstack([np.asarray(PALETTE.convert("RGB")), np.full(GREY.shape, 255, np.uint8)])
    clear = opaque.copy()
    clear[np.asarray(PALETTE) == 5, 3] = 0
    return [
        lossless("bilevel.bmp", saved(Image.fromarray(BILEVEL), "BMP"), BILEVEL * np.uint8(255)),
        lossless("grey.bmp", saved(GREY, "BMP"), GREY, format="bmp"),
        lossless("palette.bmp", saved(PALETTE, "BMP"), np.asarray(PALETTE.convert("RGB"))),
        lossless("rgb.bmp", saved(RGB, "BMP"), RGB),
        lossless("rgb-by-opencv.bmp", cv2.imencode(".bmp", RGB[:, :, ::-1])[1].tobytes(), RGB),
        lossless("plain.gif", saved(PALETTE, "GIF", interlace=0), opaque[:, :, :3], pages=1),
        lossless("interlaced.gif", saved(PALETTE, "GIF", interlace=1), opaque[:, :, :3]),
        lossless(
            "animated.gif",
            saved(PALETTE, "GIF", save_all=True, append_images=frames),
            opaque,
            pages=2,
        ),
        Case(
            "clear.gif",
            lambda: saved(PALETTE, "GIF", transparency=5),
            pixels=lambda content: with_pillow(content, "RGBA"),
            # What is transparent has no colour of its own.
            shown=lambda content: _over_white(with_pillow(content, "RGBA")),
            within=255,
        ),
    ]


def _over_white(array: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(array)
    white = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(white, picture).convert("RGB"))


def psd(array: np.ndarray, mode: int, *, packed: bool = False, composite: bool = True) -> bytes:
    """Write a document without layers, as the specification has it."""
    array = array[:, :, None] if array.ndim == 2 else array
    height, width, channels = array.shape
    planes = np.moveaxis(array.astype(">u2" if array.itemsize == 2 else np.uint8), 2, 0)
    rows = [row.tobytes() for plane in planes for row in plane]
    lengths = b""
    if packed:
        rows = [imagecodecs.packbits_encode(row) for row in rows]
        lengths = struct.pack(f">{len(rows)}H", *(len(row) for row in rows))
    version = struct.pack(">IB8xI", 1, composite, 1) + b"\0"
    resource = b"8BIM" + struct.pack(">HHI", 1057, 0, len(version)) + version
    header = struct.pack(
        ">4sH6xHIIHH", b"8BPS", 1, channels, height, width, 8 * array.itemsize, mode
    )
    parts = [header, bytes(4), struct.pack(">I", len(resource)), resource, bytes(4)]
    return b"".join([*parts, struct.pack(">H", packed), lengths, *rows])


def _psd_tools(content: bytes) -> np.ndarray:
    return np.round(PSDImage.open(io.BytesIO(content)).numpy() * 65_535).astype(np.uint16)


def _by_psd_tools() -> bytes:
    buffer = io.BytesIO()
    PSDImage.frompil(Image.fromarray(RGB)).save(buffer)
    return buffer.getvalue()


def _psd() -> list[Case]:
    shifted = np.dstack([GREY, RGB[:, :, 1:] // 4 + 96])
    return [
        Case("rgb.psd", lambda: psd(RGB, 3), pixels=pillow(), facts={"format": "psd"}),
        Case("packed.psd", lambda: psd(RGB, 3, packed=True), pixels=pillow()),
        Case("by-psd-tools.psd", _by_psd_tools, pixels=written(RGB)),
        Case("rgb-16.psd", lambda: psd(DEEP, 3), pixels=_psd_tools, facts={"bit_depth": 16}),
        Case("rgb-16-packed.psd", lambda: psd(DEEP, 3, packed=True), pixels=_psd_tools),
        Case("grey.psd", lambda: psd(GREY, 1), pixels=pillow()),
        Case("selection.psd", lambda: psd(RGBA, 3), pixels=written(RGB), facts={"channels": 3}),
        Case(
            "cmyk.psd",
            lambda: psd(CMYK, 4),
            shown=lambda content: by_littlecms(Image.open(io.BytesIO(content)), PRESS),
        ),
        Case("lab.psd", lambda: psd(shifted, 9), shown=_lab_shown(shifted)),
    ]


def _lab_shown(shifted: np.ndarray) -> Reader:
    signed = np.dstack([shifted[:, :, 0], shifted[:, :, 1:] ^ 128])
    return written(by_littlecms(Image.fromarray(signed, "LAB"), ImageCms.createProfile("LAB")))


def _named() -> list[Case]:
    names: dict[str, bool | None] = {
        "a-png-named.jpg": False,
        "a-png-named.TIFF": False,
        "UPPER.PNG": True,
        "no-ending": None,
        "version 1.2 final": None,
    }
    pictures = [painting(seed=40 + number) for number in range(len(names))]
    return [
        lossless(name, saved(picture, "PNG"), picture, format="png", extension_fits=fits)
        for picture, (name, fits) in zip(pictures, names.items(), strict=True)
    ]

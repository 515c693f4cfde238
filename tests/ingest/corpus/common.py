"""JPEG and PNG: written by Pillow, imagecodecs and libvips."""

import io
from typing import Any

import imagecodecs
import numpy as np
import pyvips
from PIL import Image

from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, profile_bytes
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
from tests.ingest.corpus.tiff import (
    ALPHA,
    BILEVEL,
    CMYK,
    DEEP,
    DEEP_GREY,
    DEEP_RGBA,
    GREY,
    RGB,
    RGBA,
)

GREY_ALPHA = np.dstack([GREY, ALPHA])
SECOND = painting(seed=11)
PALETTE = Image.fromarray(RGB).quantize(200)
ROUNDING = 3  # libjpeg and its kin round the inverse transform in their own ways


def cases() -> list[Case]:
    """Every JPEG and PNG of the corpus that is accepted."""
    return [*_jpeg(), *_png()]


def lossless(name: str, content: bytes, expected: np.ndarray, **facts: Any) -> Case:
    """A file that must give back what was written."""
    return Case(name, lambda: content, pixels=written(expected), facts=facts)


def pillow(mode: str | None = None) -> Reader:
    """What Pillow reads, as stored or converted to a mode."""
    return lambda content: with_pillow(content, mode)


def _jpeg() -> list[Case]:
    def lossy(name: str, content: bytes, reader: Reader | None = None, **facts: Any) -> Case:
        facts |= {"format": "jpeg"}
        pixels = reader or pillow()
        return Case(f"{name}.jpg", lambda: content, pixels=pixels, within=ROUNDING, facts=facts)

    def profiled(name: str, icc: bytes) -> Case:
        content = saved(RGB, "JPEG", quality=95, icc_profile=icc)
        return Case(
            f"{name}.jpg",
            lambda: content,
            shown=lambda content: by_littlecms(Image.open(io.BytesIO(content)), icc),
        )

    def inks(name: str, content: bytes) -> Case:
        return Case(
            f"{name}.jpg",
            lambda: content,
            shown=lambda content: by_littlecms(Image.open(io.BytesIO(content)), PRESS),
            facts={"colour_space": "cmyk", "channels": 4},
        )

    ycck = imagecodecs.jpeg8_encode(CMYK, level=95, colorspace="CMYK", outcolorspace="YCCK")
    turned = [
        lossy(
            f"orientation-{number}",
            saved(rotated(RGB, number), "JPEG", quality=95, subsampling=0, exif=exif_of(number)),
            lambda content, number=number: _upright(with_pillow(content), number),
            orientation=number,
            width_px=64,
            height_px=48,
        )
        for number in range(1, 9)
    ]
    return [
        lossy("full-colour", saved(RGB, "JPEG", quality=90, subsampling=0), channels=3),
        lossy("half-colour", saved(RGB, "JPEG", quality=90, subsampling=2)),
        lossy("progressive", saved(RGB, "JPEG", quality=90, progressive=True)),
        lossy("grey", saved(GREY, "JPEG", quality=90), channels=1),
        lossy("restarts", saved(RGB, "JPEG", quality=90, restart_marker_blocks=2)),
        lossy("trailing-bytes", saved(RGB, "JPEG", quality=90) + b"left over", pillow()),
        lossy("lossless-frame", imagecodecs.jpeg8_encode(RGB, lossless=True), written(RGB)),
        profiled("adobe-rgb", profile_bytes(ADOBE_RGB)),
        profiled("display-p3", profile_bytes(DISPLAY_P3)),
        inks("cmyk-adobe", saved(Image.fromarray(CMYK, "CMYK"), "JPEG", quality=95)),
        inks("ycck", ycck),
        inks("cmyk-profile", saved(Image.fromarray(CMYK, "CMYK"), "JPEG", icc_profile=PRESS)),
        *turned,
    ]


def _upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Undo `rotated`: only 6 and 8 are not their own inverse."""
    return rotated(array, {6: 8, 8: 6}.get(orientation, orientation))


def _png() -> list[Case]:
    display = profile_bytes(DISPLAY_P3)
    few = Image.fromarray(RGB).quantize(16)
    interlaced = pyvips.Image.new_from_array(DEEP).copy(interpretation="rgb16")
    clear = np.where(np.asarray(PALETTE) == 5, 0, 255).astype(np.uint8)
    keyed = np.dstack([RGB, np.full(GREY.shape, 255, np.uint8)])
    keyed[(RGB[3, 4] == RGB).all(axis=2), 3] = 0
    return [
        lossless("bilevel.png", saved(Image.fromarray(BILEVEL), "PNG"), BILEVEL * np.uint8(255)),
        lossless("grey-8.png", saved(GREY, "PNG"), GREY, bit_depth=8),
        lossless("grey-16.png", saved(DEEP_GREY, "PNG"), DEEP_GREY, bit_depth=16),
        lossless("rgb-8.png", saved(RGB, "PNG"), RGB),
        lossless("rgb-16.png", imagecodecs.png_encode(DEEP), DEEP, bit_depth=16),
        lossless("grey-alpha.png", saved(GREY_ALPHA, "PNG"), GREY_ALPHA),
        lossless("alpha-8.png", saved(RGBA, "PNG"), RGBA),
        lossless("alpha-16.png", imagecodecs.png_encode(DEEP_RGBA), DEEP_RGBA, bit_depth=16),
        lossless("palette-8.png", saved(PALETTE, "PNG"), np.asarray(PALETTE.convert("RGB"))),
        lossless("palette-4.png", saved(few, "PNG", bits=4), np.asarray(few.convert("RGB"))),
        lossless(
            "palette-clear.png",
            saved(PALETTE, "PNG", transparency=5),
            np.dstack([np.asarray(PALETTE.convert("RGB")), clear]),
        ),
        lossless(
            "clear-colour.png",
            saved(RGB, "PNG", transparency=tuple(int(one) for one in RGB[3, 4])),
            keyed,
        ),
        lossless("interlaced.png", interlaced.pngsave_buffer(interlace=True), DEEP),
        lossless(
            "animated.png",
            saved(RGB, "PNG", save_all=True, append_images=[Image.fromarray(SECOND)]),
            RGB,
        ),
        lossless("upside-down.png", saved(RGB[::-1, ::-1].copy(), "PNG", exif=exif_of(3)), RGB),
        Case(
            "display-p3.png",
            lambda: saved(RGB, "PNG", icc_profile=display),
            pixels=written(RGB),
            shown=written(by_littlecms(Image.fromarray(RGB), display)),
        ),
        Case(
            "broken-profile.png",
            lambda: saved(RGB, "PNG", icc_profile=b"this is no profile" * 20),
            pixels=written(RGB),
            facts={"icc_name": None},
        ),
    ]

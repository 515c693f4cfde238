"""TIFF in all the ways it comes: written by tifffile, libvips and Pillow."""

import io
from typing import Any

import numpy as np
import pyvips
import tifffile
from PIL import Image

from tests.ingest.corpus.case import (
    ACCEPTED,
    Case,
    painting,
    rotated,
    saved,
    with_pillow,
    written,
)

RGB = painting()
DEEP = painting(dtype=np.uint16, seed=1)
GREY = painting(1, seed=2)
DEEP_GREY = painting(1, np.uint16, seed=3)
ALPHA = np.linspace(60, 255, RGB[:, :, 0].size).astype(np.uint8).reshape(GREY.shape)
RGBA = np.dstack([RGB, ALPHA])
DEEP_RGBA = np.dstack([DEEP, ALPHA.astype(np.uint16) * 257])
CMYK = painting(4, seed=4)
BILEVEL = GREY > 120
LINEAR = (painting(seed=5) / 255).astype(np.float32)


def tiff(*pages: np.ndarray, big: bool = False, order: str = "<", **options: Any) -> bytes:
    """Write pages with tifffile."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, bigtiff=big, byteorder=order) as writer:
        for page in pages:
            kind = {"photometric": "rgb" if page.ndim == 3 else "minisblack"}
            writer.write(page, metadata=None, **(kind | options))
    return buffer.getvalue()


def vips_tiff(array: np.ndarray, **options: Any) -> bytes:
    """Write with libvips."""
    deep = array.dtype == np.uint16
    space = {2: "b-w", 3: "srgb"}[array.ndim] if not deep else {2: "grey16", 3: "rgb16"}[array.ndim]
    image = pyvips.Image.new_from_array(array).copy(interpretation=space)
    return image.write_to_buffer(".tif", **options)


def stored(
    name: str, array: np.ndarray, expected: np.ndarray | None = None, **options: Any
) -> Case:
    """A lossless TIFF that must give back what was written."""
    expected = array if expected is None else expected
    facts = {"format": "tiff", "pages": 1}
    return Case(
        f"{name}.tif", lambda: tiff(array, **options), pixels=written(expected), facts=facts
    )


def cases() -> list[Case]:
    """Every TIFF of the corpus that is accepted, with all its pages."""
    return [*_compressed(), *_laid_out(), *_shallow(), *_alpha(), *_turned()]


def _compressed() -> list[Case]:
    plain = [
        stored(f"{name}-{array.itemsize * 8}", array, compression=codec)
        for name, codec in {
            "none": None,
            "lzw": "lzw",
            "deflate": "zlib",
            "old-deflate": "deflate",
            "packbits": "packbits",
            "zstd": "zstd",
            "lzma": "lzma",
            "jpeg2000": "jpeg2000",
        }.items()
        for array in (RGB, DEEP)
    ]
    lossy = [
        Case(
            f"jpeg-{name}.tif",
            lambda options=options: vips_tiff(array_of(options), compression="jpeg", **options),
            pixels=_with_tifffile,
            within=3,
            facts={"compression": "jpeg"},
        )
        for name, options in {
            "ycbcr": {"Q": 80},
            "rgb": {"Q": 95, "rgbjpeg": True},
            "tiled": {"Q": 90, "tile": True, "tile_width": 16, "tile_height": 16},
            "grey": {"Q": 91},
        }.items()
    ]
    fax = [
        Case(
            f"{name}.tif",
            lambda codec=codec: saved(Image.fromarray(BILEVEL), "TIFF", compression=codec),
            pixels=written(BILEVEL.astype(np.uint8) * 255),
            facts={"bit_depth": 1, "compression": name},
        )
        for name, codec in {
            "ccitt-g3": "group3",
            "ccitt-g4": "group4",
            "ccitt-rle": "tiff_ccitt",
        }.items()
    ]
    return [
        *plain,
        *lossy,
        *fax,
        stored("jpegxl-8", RGB, compression="jpegxl"),
        stored("jpegxl-16", DEEP, compression="jpegxl"),
        stored("lerc-8", RGB, compression="lerc"),
        Case(
            "zstd-by-pillow.tif",
            lambda: saved(RGB, "TIFF", compression="zstd"),
            pixels=with_pillow,
        ),
    ]


def array_of(options: dict[str, Any]) -> np.ndarray:
    """The grey picture for the case named by its quality, else the coloured one."""
    return GREY if options["Q"] == 91 else RGB


def _with_tifffile(content: bytes) -> np.ndarray:
    return tifffile.imread(io.BytesIO(content))


def _laid_out() -> list[Case]:
    planes, deep_planes = np.moveaxis(RGB, 2, 0), np.moveaxis(DEEP, 2, 0)
    tile, apart = {"tile": (16, 16)}, {"planarconfig": "separate", "photometric": "rgb"}
    pyramid: dict[str, Any] = {"tile": True, "pyramid": True, "tile_width": 16, "tile_height": 16}
    return [
        stored("tiled-8", RGB, **tile),
        stored("tiled-16-lzw", DEEP, compression="lzw", **tile),
        stored("tiled-zstd", DEEP, compression="zstd", predictor=2, **tile),
        stored("planar-8", planes, RGB, **apart),
        stored("planar-16", deep_planes, DEEP, compression="zlib", **apart),
        stored("planar-tiled-16", deep_planes, DEEP, compression="lzw", **apart, **tile),
        stored("bigtiff", RGB, big=True),
        stored("bigtiff-big-endian-16", DEEP, big=True, order=">", compression="zlib"),
        stored("big-endian-8", RGB, order=">"),
        stored("big-endian-16", DEEP, order=">"),
        stored("big-endian-zstd-16", DEEP, order=">", compression="zstd", predictor=2),
        stored("predictor-16", DEEP, compression="zlib", predictor=2),
        stored("one-row-a-strip", RGB, rowsperstrip=1, compression="lzw"),
        *(
            Case(
                f"pyramid-{name}.tif",
                lambda options=options: vips_tiff(DEEP, **pyramid, **options),
                pixels=written(DEEP),
                facts={"pages": 1},
            )
            for name, options in {
                "plain": {},
                "deflate-bigtiff": {"compression": "deflate", "bigtiff": True},
                "sub-directories": {"compression": "lzw", "subifd": True},
            }.items()
        ),
    ]


def _shallow() -> list[Case]:
    wide = np.arange(4096)
    stretched = np.round(wide * (65_535 / 4095)).astype(np.uint16)
    palette = np.random.default_rng(7).integers(0, 256, (3, 256), dtype=np.uint16) * 257
    black_first = {"photometric": "miniswhite"}
    return [
        stored("grey-8", GREY),
        stored("grey-16", DEEP_GREY),
        stored("grey-16-lzma", DEEP_GREY, compression="lzma"),
        stored("bilevel", BILEVEL, BILEVEL.astype(np.uint8) * 255),
        stored("grey-2", GREY >> 6, (GREY >> 6) * 85, bitspersample=2),
        stored("grey-4", GREY >> 4, (GREY >> 4) * 17, bitspersample=4),
        stored("rgb-4", RGB >> 4, (RGB >> 4) * 17, bitspersample=4),
        stored("grey-12", DEEP_GREY >> 4, stretched[DEEP_GREY >> 4], bitspersample=12),
        stored("rgb-12", DEEP >> 4, stretched[DEEP >> 4], bitspersample=12),
        stored("white-is-zero-1", BILEVEL, (~BILEVEL).astype(np.uint8) * 255, **black_first),
        stored("white-is-zero-8", GREY, 255 - GREY, **black_first),
        stored(
            "white-is-zero-16", DEEP_GREY, 65_535 - DEEP_GREY, compression="zstd", **black_first
        ),
        stored(
            "palette",
            GREY,
            (palette // 257).astype(np.uint8).T[GREY],
            photometric="palette",
            colormap=palette,
        ),
        stored(
            "palette-zstd",
            GREY,
            (palette // 257).astype(np.uint8).T[GREY],
            photometric="palette",
            colormap=palette,
            compression="zstd",
        ),
    ]


def _alpha() -> list[Case]:
    fraction = RGBA[:, :, 3:] / 255
    premultiplied = np.dstack([np.round(RGB * fraction).astype(np.uint8), ALPHA])
    deep = np.dstack([np.round(DEEP * fraction).astype(np.uint16), DEEP_RGBA[:, :, 3]])
    straight, associated = {"extrasamples": ["unassalpha"]}, {"extrasamples": ["assocalpha"]}
    other = {"extrasamples": ["unspecified"]}
    return [
        stored("alpha-8", RGBA, **straight),
        stored("alpha-16", DEEP_RGBA, **straight),
        stored("alpha-16-zstd", DEEP_RGBA, compression="zstd", **straight),
        Case(
            "associated-alpha-8.tif",
            lambda: tiff(premultiplied, **associated),
            pixels=written(RGBA),
            within=3,  # half a code of what was stored, divided by an alpha of a quarter
        ),
        Case(
            "associated-alpha-16-zstd.tif",
            lambda: tiff(deep, compression="zstd", **associated),
            pixels=written(DEEP_RGBA),
            within=3,
        ),
        stored("grey-alpha", RGBA[:, :, 2:], photometric="minisblack", **straight),
        stored("fourth-channel-no-alpha", RGBA, RGB, **other),
        stored("infrared-16-zstd", DEEP_RGBA, DEEP, compression="zstd", **other),
    ]


def _turned() -> list[Case]:
    turned = [
        Case(
            f"orientation-{number}-{codec}.tif",
            lambda number=number, codec=codec: tiff(
                rotated(RGB, number), compression=codec, extratags=[(274, 3, 1, number, True)]
            ),
            pixels=written(RGB),
            facts={"orientation": number, "width_px": 64, "height_px": 48},
        )
        for number, codec in ((3, "lzw"), (6, "lzw"), (5, "zstd"), (8, "zstd"))
    ]
    second = painting(seed=9)[:40, :30]
    return [
        *turned,
        Case(
            "three-pages.tif",
            lambda: tiff(RGB, DEEP_GREY, second, compression="zlib"),
            (ACCEPTED,) * 3,
            pixels=(written(RGB), written(DEEP_GREY), written(second)),
            facts={"pages": 3},
        ),
        Case(
            "three-pages-zstd-big-endian.tif",
            lambda: tiff(RGB, DEEP, second, compression="zstd", order=">", big=True),
            (ACCEPTED,) * 3,
            pixels=(written(RGB), written(DEEP), written(second)),
            facts={"pages": 3},
        ),
        Case("thumbnail-first.tif", _thumbnail_first, pixels=written(RGB), facts={"pages": 1}),
    ]


def _thumbnail_first() -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(RGB[::4, ::4].copy(), photometric="rgb", subfiletype=1, metadata=None)
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(BILEVEL, photometric="minisblack", subfiletype=4, metadata=None)
    return buffer.getvalue()

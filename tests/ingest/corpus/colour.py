"""TIFF in other colour spaces, with profiles, and in float."""

from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageCms

from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, profile_bytes
from tests.ingest.corpus.case import Case, by_littlecms, painting, plainly, written
from tests.ingest.corpus.tiff import CMYK, DEEP, GREY, RGB, tiff

LINEAR = (painting(seed=5) / 255).astype(np.float32)
INKS = pyvips.Image.new_from_array(RGB).icc_transform("cmyk")
PRESS = bytes(INKS.get("icc-profile-data"))  # type: ignore[arg-type]


def cases() -> list[Case]:
    """Every TIFF whose colours must be converted."""
    signed = np.dstack([GREY, (RGB[:, :, 1:] // 4).astype(np.uint8) ^ 224])
    shifted = np.dstack([signed[:, :, 0], signed[:, :, 1:] ^ 128])
    deep = np.dstack(
        [signed[:, :, 0].astype(np.uint16) * 257, signed[:, :, 1:].astype(np.uint16) << 8]
    )
    lab = ImageCms.createProfile("LAB")

    def lab_shown(_: bytes) -> np.ndarray:
        return by_littlecms(Image.fromarray(signed, "LAB"), lab)

    def of(name: str, array: np.ndarray, shown: Any, **options: Any) -> Case:
        return Case(f"{name}.tif", lambda: tiff(array, **options), shown=shown)

    def profiled(name: str, array: np.ndarray, icc: bytes, **options: Any) -> Case:
        eight = array if array.dtype == np.uint8 else plainly(array)
        return Case(
            f"{name}.tif",
            lambda: tiff(array, iccprofile=icc, **options),
            pixels=written(array),
            shown=lambda _: by_littlecms(Image.fromarray(eight), icc),
        )

    def inks(_: bytes) -> np.ndarray:
        return by_littlecms(Image.fromarray(255 - CMYK, "CMYK"), PRESS)

    separated = {"photometric": "separated"}
    adobe, display = profile_bytes(ADOBE_RGB), profile_bytes(DISPLAY_P3)
    return [
        of("cmyk-8", 255 - CMYK, inks, **separated),
        of(
            "cmyk-16-zstd",
            (255 - CMYK).astype(np.uint16) * 257,
            inks,
            compression="zstd",
            **separated,
        ),
        of("cmyk-16", (255 - CMYK).astype(np.uint16) * 257, inks, **separated),
        of(
            "cmyk-profile",
            INKS.numpy(),
            written(by_littlecms(_inks(), PRESS)),
            iccprofile=PRESS,
            **separated,
        ),
        of("cielab-8", signed, lab_shown, photometric="cielab"),
        of("cielab-16", deep, lab_shown, photometric="cielab"),
        of("icclab-8", shifted, lab_shown, photometric="icclab"),
        of(
            "ycbcr",
            np.dstack([GREY, RGB[:, :, :2]]),
            _ycbcr_shown,
            photometric="ycbcr",
            subsampling=(1, 1),
        ),
        of("float-32", LINEAR, _linear_shown(LINEAR)),
        of("float-16", LINEAR.astype(np.float16), _linear_shown(LINEAR)),
        of("float-64", LINEAR.astype(np.float64), _linear_shown(LINEAR)),
        of("float-32-predicted", LINEAR, _linear_shown(LINEAR), predictor=3, compression="zlib"),
        of("float-grey", LINEAR[:, :, 1].copy(), _linear_shown(LINEAR[:, :, [1, 1, 1]])),
        profiled("adobe-rgb-8", RGB, adobe),
        profiled("adobe-rgb-16-lzw", DEEP, adobe, compression="lzw"),
        profiled("display-p3-zstd", RGB, display, compression="zstd"),
    ]


def _inks() -> Image.Image:
    return Image.fromarray(INKS.numpy(), "CMYK")


def _ycbcr_shown(_: bytes) -> np.ndarray:
    return np.asarray(Image.fromarray(np.dstack([GREY, RGB[:, :, :2]]), "YCbCr").convert("RGB"))


def _linear_shown(linear: np.ndarray) -> Any:
    low = linear <= 0.0031308
    curved = np.where(low, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return written(np.round(curved * 255).astype(np.uint8))

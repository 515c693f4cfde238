"""How each sample scan is delivered: format, depth, profile, orientation, damage; and its file.

The first works of a collection are pinned, so that every quirk is there whatever the seed and the
number of works; the rest are drawn.
"""

import io
from dataclasses import dataclass

import cv2
import numpy as np
import pyvips
from PIL import Image

from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, RgbSpace, convert_from_srgb, profile_bytes

ORIENTATION_TAG = 0x0112
ENDINGS = {"jpeg": ".jpg", "png": ".png", "tiff8": ".tif", "tiff16": ".tif", "grey16": ".tif"}
# JPEG smears an edge over its neighbours, so the mask of a JPEG reaches this much farther, pixels.
JPEG_SMEAR = 2


@dataclass(frozen=True)
class Delivery:
    """Form of one scan file.

    Args:
        form: A key of ``ENDINGS``.
        space: RGB space of its pixels and profile; None is sRGB without a profile.
        orientation: EXIF orientation, 1 or 6.
        damage: Kinds of damage painted in, keys of ``artgan.sample.damage.LAYERS``.
        dpi: Resolution noted in the file.
    """

    form: str
    space: RgbSpace | None = None
    orientation: int = 1
    damage: tuple[str, ...] = ()
    dpi: int = 300


PINNED: dict[str, tuple[Delivery, ...]] = {
    "brush_landscapes": (
        Delivery("tiff16", ADOBE_RGB, damage=("losses", "scratches")),
        Delivery("jpeg", orientation=6, damage=("tear", "losses")),
        Delivery("png", damage=("crackle",)),
        Delivery("jpeg", DISPLAY_P3),
        Delivery("tiff8", dpi=600),
        Delivery("tiff16"),
    ),
    "woodblock_views": (
        Delivery("grey16"),
        Delivery("jpeg", DISPLAY_P3, damage=("losses",)),
        Delivery("tiff16", damage=("tear", "scratches")),
        Delivery("tiff8", ADOBE_RGB, damage=("crackle", "losses")),
        Delivery("jpeg", orientation=6),
        Delivery("tiff8"),
        Delivery("png"),
    ),
    "hard_edge": (
        Delivery("tiff16", DISPLAY_P3, damage=("crackle", "scratches")),
        Delivery("png", damage=("losses", "tear")),
        Delivery("jpeg", damage=("scratches", "losses"), dpi=240),
        Delivery("tiff8", ADOBE_RGB),
        Delivery("jpeg", ADOBE_RGB, dpi=600),
        Delivery("png", DISPLAY_P3),
    ),
}


def plan_deliveries(collection: str, works: int, rng: np.random.Generator) -> list[Delivery]:
    """One delivery per work: the pinned ones first, then drawn ones, about every tenth damaged."""
    deliveries = list(PINNED[collection][:works])
    kinds = ("losses", "scratches", "tear", "crackle")
    for _ in range(works - len(deliveries)):
        form = str(rng.choice(["jpeg", "tiff8", "tiff16", "png"], p=[0.42, 0.26, 0.1, 0.22]))
        space = (ADOBE_RGB, DISPLAY_P3, None, None, None, None)[rng.integers(6)]
        # The net of a crackle is too fine for the wider masks of JPEG.
        choice = rng.permutation(kinds[:3] if form == "jpeg" else kinds)[: rng.integers(1, 3)]
        damage = tuple(map(str, choice)) if rng.random() < 0.1 else ()
        deliveries.append(
            Delivery(form, space, damage=damage, dpi=int(rng.choice([240, 300, 600])))
        )
    return deliveries


def _quantised(picture: np.ndarray, delivery: Delivery) -> np.ndarray:
    """Pixels in the space and depth of the file, uint8 or uint16, (H, W, 3) or (H, W, 1)."""
    if delivery.space:
        picture = convert_from_srgb(picture, delivery.space)
    if delivery.form == "grey16":
        picture = (picture @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None]
    if delivery.form in ("tiff16", "grey16"):
        return np.round(picture * 65535).astype(np.uint16)
    return np.round(picture * 255).astype(np.uint8)


def encode_jpeg(pixels: np.ndarray, delivery: Delivery, quality: int = 95) -> bytes:
    """A JPEG of uint8 pixels (H, W, 3) without chroma subsampling, stored as its orientation says.

    Orientation 6 means that a viewer turns the stored pixels a quarter clockwise (EXIF 2.32,
    tag 0x0112), so they are stored turned a quarter the other way.
    """
    stored = np.rot90(pixels) if delivery.orientation == 6 else pixels
    exif = Image.Exif()
    if delivery.orientation != 1:
        exif[ORIENTATION_TAG] = delivery.orientation
    profile = profile_bytes(delivery.space) if delivery.space else None
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(stored)).save(
        buffer,
        "JPEG",
        quality=quality,
        subsampling=0,
        dpi=(delivery.dpi, delivery.dpi),
        exif=exif,
        icc_profile=profile,
    )
    return buffer.getvalue()


def _vips_image(pixels: np.ndarray, delivery: Delivery) -> pyvips.Image:
    """Pixels as a libvips image with resolution and profile attached."""
    height, width, bands = pixels.shape
    depth = "ushort" if pixels.dtype == np.uint16 else "uchar"
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, bands, depth)
    deep, flat = ("rgb16", "srgb") if bands == 3 else ("grey16", "b-w")
    per_mm = delivery.dpi / 25.4
    interpretation = deep if depth == "ushort" else flat
    image = image.copy(interpretation=interpretation, xres=per_mm, yres=per_mm)
    if delivery.space:
        profile = profile_bytes(delivery.space)
        # The stub of pyvips does not know that a blob is given as bytes.
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)  # pyright: ignore[reportArgumentType]
    return image


def encode_scan(picture: np.ndarray, delivery: Delivery) -> bytes:
    """The bytes of one scan file.

    Args:
        picture: float32 (H, W, 3), sRGB in [0, 1], as it should be displayed.
        delivery: Form of the file.
    """
    pixels = _quantised(picture, delivery)
    if delivery.form == "jpeg":
        return encode_jpeg(pixels, delivery)
    image = _vips_image(pixels, delivery)
    if delivery.form == "png":
        return image.write_to_buffer(".png", compression=3)
    # Masters are uncompressed as the imaging guidelines want them, the 8-bit files use LZW.
    compression = "none" if pixels.dtype == np.uint16 else "lzw"
    return image.write_to_buffer(".tif", compression=compression)


def encode_mask(mask: np.ndarray, delivery: Delivery) -> bytes:
    """An 8-bit grey PNG of a mask, bool (H, W) as displayed: 255 where the scan is damaged."""
    if delivery.form == "jpeg":
        reach = 2 * JPEG_SMEAR + 1
        mask = cv2.dilate(mask.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()

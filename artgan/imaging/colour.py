"""Colour: any scan to 8-bit sRGB, and sRGB back to a scan's own space.

Profiles are converted with the relative colorimetric intent and black point compensation, which
keeps in-gamut colours as measured and shadows open; white stays white.
"""

from functools import lru_cache
from io import BytesIO
from typing import Any, cast

import numpy as np
import pyvips
from PIL import Image, ImageCms

from artgan.errors import InvalidInputError

INTENT = {"intent": "relative", "black_point_compensation": True}
_PROFILE_SPACES = {b"RGB ": 3, b"GRAY": 1, b"CMYK": 4, b"Lab ": 3}
_LAB = {"lab", "labs"}
_ALPHA_BANDS = {2, 4, 5}
_WHITE = [255.0]
ICC = "icc-profile-data"
"""Field of a libvips image that holds its profile."""


@lru_cache(256)
def profile_name(icc: bytes) -> str | None:
    """Return the description inside an ICC profile, or None where it cannot be read."""
    try:
        return (
            ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc))).strip() or None
        )
    except (OSError, ImageCms.PyCMSError):
        return None


@lru_cache(1)
def srgb_profile() -> bytes:
    """Return the sRGB profile that we embed: that of libvips, 480 bytes, free of rights."""
    tagged = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    content = tagged.write_to_buffer(".png", profile="srgb", keep="icc")
    icc = embedded_profile(pyvips.Image.new_from_buffer(content, ""))
    if icc is None:
        raise RuntimeError("libvips embedded no sRGB profile")
    return icc


@lru_cache(256)
def is_srgb(icc: bytes) -> bool:
    """Whether converting from this RGB profile to sRGB changes no colour by more than one level.

    Most cameras and our own access copies state sRGB; there is nothing to convert then.
    """
    if icc[16:20] != b"RGB ":
        return False
    levels = np.linspace(0, 255, 18).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    try:
        converted = ImageCms.profileToProfile(
            Image.fromarray(colours),
            ImageCms.ImageCmsProfile(BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ImageCms.PyCMSError):
        return False
    return bool(np.abs(np.asarray(converted).astype(int) - colours).max() <= 1)


def embedded_profile(image: pyvips.Image) -> bytes | None:
    """Return the ICC profile that an image carries, or None."""
    if image.get_typeof(ICC) == 0:
        return None
    return bytes(cast(Any, image.get(ICC)))


def with_blob(image: pyvips.Image, field: str, content: bytes) -> pyvips.Image:
    """Attach bytes to an image under a metadata field of libvips; the image itself stays as is."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, field, cast(Any, content))  # its types forget bytes
    return image


def with_number(image: pyvips.Image, field: str, value: int) -> pyvips.Image:
    """Attach a whole number to an image, likewise."""
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, field, value)
    return image


def colour_bands(image: pyvips.Image) -> int:
    """Count the bands that carry colour: alpha is not one."""
    return image.bands - int(image.hasalpha())


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Render an image as sRGB: 8 bit, three bands, opaque.

    An embedded profile that fits the image is honoured. Without one, grey and RGB are taken as
    sRGB, CMYK as the standard press profile of libvips, CIELAB as under D50 (as Adobe's notes on
    TIFF have it), floats as linear light in [0, 1] (scRGB; what exceeds it is clipped). 16-bit
    values are divided by 257 and rounded, so 65535 becomes 255. Transparent parts show white. The
    result is lazy: nothing is computed here.

    Args:
        image: Any bands that `decode` returns, with straight (not premultiplied) alpha.

    Returns:
        The image with three uchar bands, interpretation srgb, without a profile.
    """
    if profile_to_honour(image) is not None:
        image = image.icc_transform("srgb", embedded=True, depth=8, **INTENT)
    elif image.interpretation == "cmyk":
        image = image.icc_transform("srgb", input_profile="cmyk", depth=8, **INTENT)
    elif image.interpretation in _LAB:
        image = image.colourspace("lab").icc_export(output_profile="srgb", depth=8, **INTENT)
    else:
        image = _by_definition(image)
    if image.bands in _ALPHA_BANDS:
        image = image.flatten(background=_WHITE)
    if image.bands == 1:
        image = image.bandjoin([image, image])
    image = image.copy(interpretation="srgb")
    if image.get_typeof(ICC):
        image.remove(ICC)
    return image


def to_srgb_deep(image: pyvips.Image) -> pyvips.Image:
    """Render an image as sRGB at its own depth, with its alpha, where a profile asks for that.

    Args:
        image: 1 to 4 bands of 8 or 16 bits.

    Returns:
        The image as it is where there is no profile to honour; else three bands, and alpha.
    """
    if profile_to_honour(image) is None:
        return image
    colours, alpha = _parted(image)
    depth = 16 if image.format == "ushort" else 8
    converted = colours.icc_transform("srgb", embedded=True, depth=depth, **INTENT)
    return converted if alpha is None else converted.bandjoin(alpha)


def _parted(image: pyvips.Image) -> tuple[pyvips.Image, pyvips.Image | None]:
    """Return colours and alpha; libvips' conversions by profiles scale alpha as well."""
    if image.bands not in _ALPHA_BANDS:
        return image, None
    return image[0 : image.bands - 1], image[image.bands - 1]


def from_srgb_deep(image: pyvips.Image, icc: bytes | None) -> tuple[pyvips.Image, bytes | None]:
    """Bring sRGB colours, 8 or 16 bits and perhaps alpha, back into an RGB profile's space.

    Returns:
        The image, and the profile to embed: None for sRGB, where the profile is not one of RGB.
    """
    if icc is None or icc[16:20] != b"RGB " or profile_name(icc) is None:
        return image, None
    if is_srgb(icc):
        return image, icc
    colours, alpha = _parted(image)
    depth = 16 if image.format == "ushort" else 8
    measured = colours.icc_import(input_profile="srgb", pcs="lab", **INTENT)
    exported = with_blob(measured, ICC, icc).icc_export(depth=depth, **INTENT)
    return exported if alpha is None else exported.bandjoin(alpha), icc


def profile_to_honour(image: pyvips.Image) -> bytes | None:
    """Return the profile that tells an image's colours; None if there is none or it is sRGB."""
    icc = embedded_profile(image)
    if icc is None or not _is_usable(icc, image) or _is_srgb_already(icc, image):
        return None
    return icc


def _is_usable(icc: bytes, image: pyvips.Image) -> bool:
    # Grey pictures with an RGB profile, and broken profiles, are common; the pixels are good.
    if _PROFILE_SPACES.get(icc[16:20]) != colour_bands(image):
        return False
    is_lab = image.interpretation in _LAB
    is_fitting = is_lab == (icc[16:20] == b"Lab ")
    return is_fitting and profile_name(icc) is not None and _converts(icc)


@lru_cache(256)
def _converts(icc: bytes) -> bool:
    """Whether LittleCMS makes a conversion of a profile; one that it can read may be broken."""
    bands = _PROFILE_SPACES[icc[16:20]]
    spaces = {b"RGB ": "srgb", b"GRAY": "b-w", b"CMYK": "cmyk", b"Lab ": "lab"}
    dot = pyvips.Image.black(1, 1, bands=bands).copy(interpretation=spaces[icc[16:20]])
    try:
        with_blob(dot, ICC, icc).icc_transform("srgb", embedded=True, **INTENT).avg()
    except pyvips.Error:
        return False
    return True


def _is_srgb_already(icc: bytes, image: pyvips.Image) -> bool:
    return image.interpretation in {"srgb", "rgb16"} and is_srgb(icc)


def _by_definition(image: pyvips.Image) -> pyvips.Image:
    if image.format == "ushort":
        shallow = image.maplut(_shallow_levels())
        return shallow.copy(interpretation=_interpretation(image.bands, "uchar"))
    if image.format == "uchar" and image.interpretation in {"srgb", "b-w", "multiband"}:
        return image
    if image.format == "float" and colour_bands(image) == 1:
        grey = image[0]
        image = grey.bandjoin([grey, grey, *image.bandsplit()[1:]])
        image = image.copy(interpretation="scrgb")
    return image.colourspace("srgb")


def stretched(array: np.ndarray, bits: int) -> np.ndarray:
    """Stretch whole numbers of 1 to 7 bits over 8 bits, and of 9 to 15 over 16: white stays white.

    Args:
        array: Any shape, values below 2 to the power of ``bits``.
        bits: 1 to 16.

    Returns:
        The same shape, uint8 or uint16.
    """
    kind = np.uint8 if bits <= 8 else np.uint16
    top = np.iinfo(kind).max
    if bits in (8, 16):
        return array.astype(kind)
    levels = np.arange(2**bits)
    return np.round(levels * (top / levels[-1])).astype(kind)[array]


def lab_from_codes(array: np.ndarray, *, is_signed: bool) -> np.ndarray:
    """Return CIELAB in its own units from the whole numbers that files hold.

    Args:
        array: (H, W, C) uint8 or uint16; L, a, b, and perhaps alpha.
        is_signed: Whether a and b are signed numbers, as in TIFF; else they have their zero in
            the middle, as in ICC profiles and Photoshop.

    Returns:
        (H, W, C) float32: L from 0 to 100, a and b, alpha from 0 to 255.
    """
    top = int(np.iinfo(array.dtype).max)
    middle, per_unit = top // 2 + 1, (top + 1) // 256
    colours = array[:, :, 1:3].astype(np.int32)
    if is_signed:
        colours = np.where(colours >= middle, colours - top - 1, colours)
    else:
        colours -= middle
    lightness = array[:, :, :1].astype(np.float32) * (100 / top)
    rest = array[:, :, 3:].astype(np.float32) / (top / 255)
    return np.concatenate([lightness, colours.astype(np.float32) / per_unit, rest], axis=2)


@lru_cache(1)
def _shallow_levels() -> pyvips.Image:
    """Return the table from 16 to 8 bits: divided by 257 and rounded."""
    levels = (np.arange(65536) / 257 + 0.5).astype(np.uint8)
    return pyvips.Image.new_from_memory(levels.tobytes(), 65536, 1, 1, "uchar")


def image_from_array(array: np.ndarray, icc: bytes | None = None) -> pyvips.Image:
    """Wrap an array as a pyvips image; no copy of contiguous data.

    Args:
        array: (H, W) or (H, W, C) uint8 or uint16; C is 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
        icc: Profile to attach.

    Raises:
        InvalidInputError: If the type or the shape is another.
    """
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or array.size == 0:
        raise InvalidInputError(
            f"array must have shape (H, W) or (H, W, C) with C from 1 to 4, got {array.shape}."
        )
    if array.dtype not in (np.uint8, np.uint16):
        raise InvalidInputError(
            f"array must be uint8 or uint16, got {array.dtype}. Scale and round it first."
        )
    height, width, bands = array.shape
    kind = "uchar" if array.dtype == np.uint8 else "ushort"
    data = np.ascontiguousarray(array).data.cast("B")
    image = pyvips.Image.new_from_memory(data, width, height, bands, kind)
    image = image.copy(interpretation=_interpretation(bands, kind))
    return with_blob(image, ICC, icc) if icc else image


def _interpretation(bands: int, kind: str) -> str:
    if bands <= 2:
        return "b-w" if kind == "uchar" else "grey16"
    return "srgb" if kind == "uchar" else "rgb16"


def array_to_srgb(array: np.ndarray, icc: bytes | None) -> np.ndarray:
    """Render a scan's own pixels as sRGB.

    Args:
        array: (H, W, C) uint8 or uint16, as `scan_array` returns it.
        icc: Profile of these pixels, None for sRGB.

    Returns:
        (H, W, 3) uint8.
    """
    return to_srgb(image_from_array(array, icc)).numpy()

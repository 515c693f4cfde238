"""Films as animated WebP: every browser plays it, and its XMP says what it is."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image

from artgan.errors import InvalidInputError

QUALITY = 90


def webp_film(frames: Iterable[np.ndarray], per_second: int, xmp: bytes | None = None) -> bytes:
    """Encode a film that plays over and over.

    Args:
        frames: At least one picture (H, W, 3) uint8, all of one size, sRGB.
        per_second: Frames a second, from 1 to 60.
        xmp: XMP packet to embed.

    Raises:
        InvalidInputError: When there is no frame.
    """
    first, *others = [Image.fromarray(frame) for frame in frames] or [None]
    if first is None:
        raise InvalidInputError("frames must be at least one, got none. Make some first.")
    buffer = io.BytesIO()
    first.save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=round(1000 / per_second),
        loop=0,
        quality=QUALITY,
        method=4,
        xmp=xmp or b"",
    )
    return buffer.getvalue()


def enlarged(picture: np.ndarray, least_px: int) -> np.ndarray:
    """Repeat the pixels of a small picture so often that its sides reach a length.

    Args:
        picture: (H, W, 3) uint8.
        least_px: Shorter side that is reached; a picture that is larger stays as it is.
    """
    times = -(-least_px // min(picture.shape[:2]))
    return picture if times <= 1 else picture.repeat(times, axis=0).repeat(times, axis=1)

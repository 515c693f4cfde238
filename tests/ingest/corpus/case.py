"""One file of the corpus: how it is written, what must become of it, and what it must show.

What a file shows is never taken from the decoder that reads it: it is what was written, or what
another library reads.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageCms

ACCEPTED = "accepted"
HEIGHT, WIDTH = 48, 64
MAX_PIXELS = 300_000

Reader = Callable[[bytes], np.ndarray]


@dataclass(frozen=True)
class Case:
    """A file and the judgement on it.

    Attributes:
        name: File name, unique.
        write: Makes the bytes.
        verdict: ``accepted`` or a reason; for several pages one each.
        pixels: The scan's own values, (H, W) or (H, W, C), as another library has them; for
            several pages those of the accepted ones.
        within: Largest difference allowed from them.
        shown: What the access copy shows, (H, W, 3) uint8, where it does not follow from the values
            alone: colours are converted by LittleCMS in Pillow, or by formula.
        mean: Largest mean difference allowed from that, in levels.
        facts: Columns of the scans table.
    """

    name: str
    write: Callable[[], bytes]
    verdict: str | tuple[str, ...] = ACCEPTED
    pixels: Reader | tuple[Reader, ...] | None = None
    within: float = 0
    shown: Reader | None = None
    mean: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)


def written(array: np.ndarray) -> Reader:
    """What was written, whatever the bytes."""
    return lambda _: array


def painting(channels: int = 3, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Smooth colours of all hues with some grain: (48, 64, C), or (48, 64) for one channel."""
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    coarse = rng.integers(0, 256, (4, 5, channels), dtype=np.uint8)
    planes = [
        np.asarray(
            Image.fromarray(coarse[:, :, place]).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        )
        for place in range(channels)
    ]
    smooth = np.stack(planes, axis=2).astype(np.float64) * (top / 255)
    grainy = smooth + rng.normal(0, top / 200, smooth.shape)
    array = np.clip(np.round(grainy), 0, top).astype(dtype)
    return array[:, :, 0] if channels == 1 else array


def with_pillow(content: bytes, mode: str | None = None) -> np.ndarray:
    """Decode with Pillow, as stored or converted to a mode."""
    picture = Image.open(io.BytesIO(content))
    return np.asarray(picture if mode is None else picture.convert(mode))


def saved(array: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    """Encode with Pillow."""
    buffer = io.BytesIO()
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def plainly(values: np.ndarray) -> np.ndarray:
    """What values show without a profile: over white, in 8 bits, in three channels."""
    values = values[:, :, None] if values.ndim == 2 else values
    top = 255 if values.dtype == np.uint8 else 65_535
    scaled = values / top
    if values.shape[2] in (2, 4):
        alpha = scaled[:, :, -1:]
        scaled = scaled[:, :, :-1] * alpha + (1 - alpha)
    return np.round(np.broadcast_to(scaled * 255, (*values.shape[:2], 3))).astype(np.uint8)


def by_littlecms(picture: Image.Image, icc: bytes | Any) -> np.ndarray:
    """Convert to sRGB with LittleCMS in Pillow, as access copies are."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if isinstance(icc, bytes) else icc
    converted = ImageCms.profileToProfile(
        picture,
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return np.asarray(converted)


def rotated(array: np.ndarray, orientation: int) -> np.ndarray:
    """Store a picture as a camera held otherwise would: EXIF turns it upright again."""
    return {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: np.rot90,
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 3),
    }[orientation](array).copy()


def exif_of(orientation: int) -> Image.Exif:
    """EXIF that states an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif

"""Hashes of scans: of their bytes, and of what they look like."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyvips
from scipy.fft import dctn

from artgan.errors import InvalidInputError

PHASH_ALGORITHM = "dct64-of-32px-luma-median-v1"
"""Name of what `phash` computes; hashes under another name must not be compared with these."""

PHASH_BITS = 64
_SIDE_PX = 32
_LOW = 8
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, the grey of imagehash


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def phash(image: pyvips.Image) -> str:
    """Hash what a picture looks like; similar pictures have hashes that differ in few bits.

    The picture is shrunk to 32 x 32 grey, and each of the 8 x 8 lowest coefficients of its cosine
    transform gives one bit: whether it exceeds their median. The same rule as `imagehash.phash`;
    the shrinking differs, so a few bits may.

    Args:
        image: 8-bit sRGB, upright, as `to_srgb` makes it: the same work with another profile or
            orientation then gives the same hash.

    Returns:
        16 hex digits; the first bit is the mean brightness, rows of the transform follow.

    References:
        Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions",
        section 3.2.1.
    """
    small = image.thumbnail_image(_SIDE_PX, height=_SIDE_PX, size="force")
    grey = small.numpy() @ _LUMA
    low = np.asarray(dctn(grey, type=2))[:_LOW, :_LOW]
    bits = (low > np.median(low)).ravel()
    return np.packbits(bits).tobytes().hex()


def hashes_to_array(hashes: Sequence[str]) -> np.ndarray:
    """Turn perceptual hashes of 16 hex digits into numbers to compare.

    Returns:
        (N,) uint64.

    Raises:
        InvalidInputError: If one does not have 16 hex digits.
    """
    try:
        content = bytes.fromhex("".join(hashes))
        if any(len(one) != PHASH_BITS // 4 for one in hashes):
            raise ValueError
    except ValueError as error:
        raise InvalidInputError("phash must have 16 hex digits, got another text.") from error
    return np.frombuffer(content, dtype=">u8").astype(np.uint64)


def hamming_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Count the bits in which hashes differ, each of one set with each of the other.

    Args:
        first: (N,) uint64.
        second: (M,) uint64.

    Returns:
        (N, M) uint8, 0 to 64.
    """
    return np.bitwise_count(first[:, None] ^ second[None, :])

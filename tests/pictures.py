"""Picture files as the product writes them, in memory."""

import tempfile
from pathlib import Path

import numpy as np

from artgan.imaging.colour import image_from_array
from artgan.imaging.decode import SourceEncoding
from artgan.imaging.write import write_tiff


def tiff_bytes(array: np.ndarray, encoding: SourceEncoding, xmp: bytes | None = None) -> bytes:
    """Return the TIFF that `write_tiff` makes of (H, W) or (H, W, C) uint8 or uint16 pixels."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.tif"
        write_tiff(path, image_from_array(array), encoding, xmp)
        return path.read_bytes()

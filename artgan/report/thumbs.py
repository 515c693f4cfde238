"""Small JPEGs for pages, named by the content they show and made once.

``reports/thumbs/<size>/<aa>/<sha256>.jpg`` holds the thumbnail of the object with that sha256; for
an access copy it is the scan's. What is there already is never decoded again.
"""

import tempfile
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyvips

from artgan.errors import ArtganError
from artgan.imaging.colour import to_srgb
from artgan.imaging.read import read_rgb
from artgan.imaging.write import thumbnail_jpeg
from artgan.provenance import packet_of
from artgan.storage import Store

FOLDER = "reports/thumbs"
SMALL_PX = 320
LARGE_PX = 960
_CRISP_BELOW_PX = 128
_CRISP_QUALITY = 95
_QUALITY = 80
_THREADS = 2


@dataclass(frozen=True)
class Source:
    """A picture to show.

    Attributes:
        key: Key of the object under the root.
        sha256: Content that the thumbnail is named by.
        width_px: Width in pixels.
        height_px: Height in pixels.
    """

    key: str
    sha256: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Thumbnail:
    """A thumbnail on the store.

    Attributes:
        key: Key under the root.
        width: Width in pixels.
        height: Height in pixels.
        is_tiny: Whether its pixels should be shown as squares when it is enlarged.
    """

    key: str
    width: int
    height: int
    is_tiny: bool


@dataclass
class Thumbnails:
    """The thumbnails of an archive.

    Attributes:
        store: The archive root.
        present: Keys that are there.
        written: Keys that were made, in order.
    """

    store: Store
    present: set[str] = field(default_factory=set)
    written: list[str] = field(default_factory=list)

    def whole(self, source: Source | None, long_side_px: int = SMALL_PX) -> Thumbnail | None:
        """Return the thumbnail of a whole picture; None if the picture cannot be read."""
        if source is None:
            return None
        long_side = max(source.width_px, source.height_px)
        scale = min(1.0, long_side_px / long_side)
        short_px = max(1, round(scale * min(source.width_px, source.height_px)))
        key = _key(source, long_side_px)
        if not self._make(key, source, None if scale == 1.0 else short_px, long_side_px):
            return None
        width, height = (
            max(1, round(scale * side)) for side in (source.width_px, source.height_px)
        )
        return Thumbnail(key, width, height, max(width, height) < _CRISP_BELOW_PX)

    def prepare(self, wanted: Iterable[tuple[Source | None, int]]) -> None:
        """Make those of some thumbnails that are missing, a few at a time.

        Args:
            wanted: Pictures, each with the longest side of its thumbnail.
        """
        missing = [
            (source, side)
            for source, side in wanted
            if source is not None and _key(source, side) not in self.present
        ]
        before = len(self.written)
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(lambda one: self.whole(*one), missing):
                pass
        self.written[before:] = sorted(self.written[before:])

    def square(self, source: Source | None, side_px: int) -> Thumbnail | None:
        """Return the centre square of a picture at a given side; None if it cannot be read."""
        if source is None:
            return None
        key = f"{FOLDER}/square-{side_px}/{source.sha256[:2]}/{source.sha256}.jpg"
        if not self._make(key, source, side_px, side_px, square=True):
            return None
        return Thumbnail(key, side_px, side_px, side_px < _CRISP_BELOW_PX)

    def _make(
        self,
        key: str,
        source: Source,
        short_side_px: int | None,
        long_side_px: int,
        *,
        square: bool = False,
    ) -> bool:
        if key in self.present:
            return True
        try:
            with self.store.local(source.key) as path:
                picture, packet = read_rgb(path, short_side_px), packet_of(path)
        except ArtganError:
            return False
        if square:
            picture = _centre_square(picture)
        quality = _CRISP_QUALITY if max(picture.shape[:2]) < _CRISP_BELOW_PX else _QUALITY
        write_typed(self.store, key, thumbnail_jpeg(picture, long_side_px, quality, packet))
        self.present.add(key)
        self.written.append(key)
        return True


def _key(source: Source, long_side_px: int) -> str:
    return f"{FOLDER}/{long_side_px}/{source.sha256[:2]}/{source.sha256}.jpg"


def _centre_square(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def write_typed(store: Store, key: str, content: bytes) -> None:
    """Write an object whole; on an object store with its type, which browsers go by."""
    if store.is_local:
        store.write(key, content)
        return
    with tempfile.TemporaryDirectory(prefix="artgan-") as folder:
        path = Path(folder) / key.rsplit("/", 1)[-1]
        path.write_bytes(content)
        store.put(key, path)


def open_thumbnails(store: Store) -> Thumbnails:
    """Return the archive's thumbnails, with what is there already."""
    return Thumbnails(store, {entry.key for entry in store.entries(FOLDER)})


def keep_thumbnail(store: Store, sha256: str, path: Path) -> None:
    """Make the thumbnail of a picture while its file is at hand, in a little memory.

    What shows the picture later finds it, and need not read a file that may be of gigabytes.

    Args:
        store: The archive root.
        sha256: Content of the picture's file.
        path: The file.
    """
    image = pyvips.Image.new_from_file(str(path), access="sequential")
    scale = min(1.0, SMALL_PX / max(image.width, image.height))
    small = to_srgb(image.resize(scale) if scale < 1.0 else image)
    quality = _CRISP_QUALITY if max(small.width, small.height) < _CRISP_BELOW_PX else _QUALITY
    key = f"{FOLDER}/{SMALL_PX}/{sha256[:2]}/{sha256}.jpg"
    write_typed(store, key, thumbnail_jpeg(small, SMALL_PX, quality, packet_of(path)))


def remove_thumbnails(store: Store, digests: Collection[str]) -> int:
    """Remove the thumbnails named by some contents, of any size; return how many."""
    keys = [
        entry.key
        for entry in store.entries(FOLDER)
        if entry.key.rsplit("/", 1)[-1].removesuffix(".jpg") in digests
    ]
    for key in keys:
        store.delete(key)
    return len(keys)

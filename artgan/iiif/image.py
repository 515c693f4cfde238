"""One picture as plain files that follow the IIIF Image API 3 at level 0.

A level 0 service is a folder: every address that its ``info.json`` allows is a file, so a web
server or a bucket is all it takes. libvips cuts the tiles; what its output lacks is added here:
``full/max``, more whole sizes and their list, and a description that says all of this.

References:
    https://iiif.io/api/image/3.0/, sections 4 (requests), 5.3 (sizes), 5.4 (tiles) and 6
    (compliance); https://iiif.io/api/image/3.0/compliance/ for level 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips
from pyvips.enums import ForeignKeep

from artgan.errors import CorruptAssetError
from artgan.imaging.colour import with_blob
from artgan.imaging.write import XMP

CONTEXT = "http://iiif.io/api/image/3/context.json"
FORMAT = "image/jpeg"
INFO = "info.json"
QUALITY = 85
THUMBNAIL_PX = 320
# Long sides of whole pictures that viewers and pages ask for.
_WHOLE_PX = (THUMBNAIL_PX, 1024)
_NAME = "0/default.jpg"

Size = tuple[int, int]


@dataclass(frozen=True)
class Service:
    """The shape of a level 0 image service.

    Attributes:
        width: Width of the picture in pixels.
        height: Its height.
        tile_px: Side of a tile.
        full_px: Long side of ``full/max`` at most; a smaller picture is whole there.
    """

    width: int
    height: int
    tile_px: int
    full_px: int

    @property
    def full_size(self) -> Size:
        """Width and height of ``full/max``."""
        return self._within(self.full_px)

    @property
    def scale_factors(self) -> list[int]:
        """Powers of two, up to the first at which the picture fits on one tile."""
        factors = [1]
        while max(self.width, self.height) > factors[-1] * self.tile_px:
            factors.append(2 * factors[-1])
        return factors

    @property
    def whole_sizes(self) -> list[Size]:
        """Width and height of every ``full/w,h``, the smallest first."""
        last = self.scale_factors[-1]
        one_tile = (-(-self.width // last), -(-self.height // last))
        asked = [self._within(side) for side in _WHOLE_PX if side <= self.full_px]
        return sorted({one_tile, *asked})

    @property
    def thumbnail_size(self) -> Size:
        """Width and height of the whole picture that stands for it in lists."""
        return self._within(THUMBNAIL_PX)

    def _within(self, side: int) -> Size:
        scale = min(1.0, side / max(self.width, self.height))
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))


def whole_path(size: Size | None = None) -> str:
    """Return the path of a whole picture within its service; without a size, of the largest."""
    return f"full/{'max' if size is None else f'{size[0]},{size[1]}'}/{_NAME}"


def describe(service: Service, address: str, rights: str | None = None) -> dict[str, Any]:
    """Return what ``info.json`` says.

    Args:
        service: Shape of the service.
        address: Where it will be served, without a trailing slash.
        rights: URI of a licence or rights statement.
    """
    described: dict[str, Any] = {
        "@context": CONTEXT,
        "id": address,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level0",
        "width": service.width,
        "height": service.height,
    }
    if service.full_size != (service.width, service.height):
        # Without this, full/max would have to be the whole picture. A limit of its own height would
        # forbid the tiles of a very wide one.
        described["maxWidth"] = described["maxHeight"] = service.full_px
    described["sizes"] = [
        {"width": width, "height": height} for width, height in service.whole_sizes
    ]
    described["tiles"] = [{"width": service.tile_px, "scaleFactors": service.scale_factors}]
    return described | ({"rights": rights} if rights else {})


def write_pictures(
    open_image: Callable[[], pyvips.Image], service: Service, folder: Path, xmp: bytes | None = None
) -> None:
    """Write every picture of a service: tiles, whole sizes and the largest whole.

    All carry the packet, and no profile, which browsers take as sRGB.

    Args:
        open_image: Opens the picture anew: 8-bit sRGB, three bands, upright, as large as the
            service says; it is read twice from top to bottom.
        service: Shape of the service.
        folder: Where to write; made if it is not there.
        xmp: XMP packet for every file.

    Raises:
        CorruptAssetError: If the picture cannot be read whole.
    """
    try:
        _write_tiles(_marked(open_image(), xmp), service, folder)
        largest = _scaled(open_image(), service.full_size).copy_memory()
        _write_whole(largest, folder / whole_path(), xmp)
        for size in service.whole_sizes:
            _write_whole(_scaled(largest, size), folder / whole_path(size), xmp)
    except pyvips.Error as error:
        raise CorruptAssetError(
            f"picture must be readable from top to bottom, got: {str(error).strip()} "
            "Ingest its scan again."
        ) from error


def _write_tiles(image: pyvips.Image, service: Service, folder: Path) -> None:
    image.dzsave(
        str(folder),
        layout="iiif3",
        tile_size=service.tile_px,
        suffix=f".jpg[Q={QUALITY},optimize_coding]",
        keep=ForeignKeep.XMP,
    )


def _scaled(image: pyvips.Image, size: Size) -> pyvips.Image:
    if (image.width, image.height) == size:
        return image
    return image.thumbnail_image(size[0], height=size[1], size="force")


def _marked(image: pyvips.Image, xmp: bytes | None) -> pyvips.Image:
    """Give a picture our packet in place of any of its own."""
    if xmp is not None:
        return with_blob(image, XMP, xmp)
    image = image.copy()
    image.remove(XMP)
    return image


def _write_whole(image: pyvips.Image, path: Path, xmp: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = _marked(image, xmp)
    image.jpegsave(str(path), Q=QUALITY, optimize_coding=True, keep=ForeignKeep.XMP)

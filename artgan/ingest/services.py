"""Where the largest picture of a IIIF image service is to be had.

References:
    https://iiif.io/api/image/3.0/ (``full/max``); https://iiif.io/api/image/2.1/ (``full/full``, or
    ``full/max`` where the server states a limit); https://iiif.io/api/image/1.1/ (``native``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from artgan.ingest.addresses import SourceUnavailable
from artgan.ingest.presentation import Json, Picture

_LOSSLESS = (".tif", ".tiff", ".jp2", ".png")
_LIMITS = {"maxWidth", "maxHeight", "maxArea"}


@dataclass(frozen=True)
class Offer:
    """An address at which a picture may be had.

    Attributes:
        url: The address.
        whole_size: Width and height of the picture that the server has, if it says so.
    """

    url: str
    whole_size: tuple[int, int] | None = None


def offers_of(picture: Picture, read_json: Callable[[str], Any]) -> list[Offer]:
    """Return the addresses to try for a picture, the most faithful first.

    A file without loss that a manifest names itself comes before what its service computes; else
    the service comes first, since the picture in a manifest is often a smaller one.

    Args:
        picture: What the manifest shows.
        read_json: Reads a JSON document, or raises `SourceUnavailable`.
    """
    named = Offer(picture.url)
    if picture.service is None:
        return [named]
    try:
        info = read_json(f"{picture.service}/info.json")
    except SourceUnavailable:
        return [named]
    if not isinstance(info, dict):
        return [named]
    service = Offer(_largest(info, picture.service), _size(info))
    if picture.url == service.url:
        return [service]
    is_file = not picture.url.startswith(picture.service)
    if is_file and picture.url.lower().endswith(_LOSSLESS):
        return [named, service]
    return [service, named]


def _largest(info: Json, service: str) -> str:
    said = f"{info.get('@context', '')} {info.get('type', '')} {info.get('profile', '')}"
    base = info.get("id") or info.get("@id") or service
    base = base.rstrip("/") if isinstance(base, str) and base.startswith("http") else service
    if "image/3" in said or "ImageService3" in said:
        return f"{base}/full/max/0/default.jpg"
    if "image/2" in said:
        profile = info.get("profile")
        parts = profile if isinstance(profile, list) else [profile]
        is_limited = any(_LIMITS & part.keys() for part in parts if isinstance(part, dict))
        return f"{base}/full/{'max' if is_limited else 'full'}/0/default.jpg"
    return f"{base}/full/full/0/native.jpg"


def _size(info: Json) -> tuple[int, int] | None:
    width, height = info.get("width"), info.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None

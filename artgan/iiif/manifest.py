"""Collections as IIIF Presentation 3 manifests: one canvas for each scan.

References:
    https://iiif.io/api/presentation/3.0/, sections 3 (properties) and 5 (structure).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from artgan.config import IiifSettings
from artgan.iiif.image import FORMAT, Service, whole_path
from artgan.iiif.rights import rights_uri

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
# Viewers load a manifest whole; a collection with more canvases gets several.
MOST_CANVASES = 1000
_UNKNOWN, _ENGLISH = "none", "en"
_METADATA = (
    ("title", "Title"),
    ("artist", "Artist"),
    ("date_text", "Date"),
    ("medium", "Medium"),
    ("accession_number", "Accession number"),
    ("rights", "Rights"),
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A scan whose tiles are there.

    Attributes:
        scan: Its row in the scans table.
        service: Shape of its image service.
    """

    scan: Mapping[str, Any]
    service: Service


def base_address(settings: IiifSettings) -> str:
    """Return the address of the folder ``iiif``, without a trailing slash."""
    return settings.base_url.rstrip("/")


def service_address(base: str, collection: str, scan_id: str) -> str:
    """Return the address of a scan's image service."""
    return f"{base}/{quote(collection, safe='')}/{scan_id}"


def manifest_name(number: int) -> str:
    """Return the file name of a collection's manifest, counted from 1."""
    return "manifest.json" if number == 1 else f"manifest-{number}.json"


def manifests(settings: IiifSettings, collection: str, shown: Sequence[Shown]) -> list[Json]:
    """Return the manifests of a collection, in order; more than one where it is large.

    Args:
        settings: Addresses and publisher.
        collection: Name of the collection.
        shown: Its scans that have tiles, in the order in which they are to be shown.
    """
    parts = [shown[start : start + MOST_CANVASES] for start in range(0, len(shown), MOST_CANVASES)]
    return [
        _manifest(settings, collection, part, (number, len(parts)))
        for number, part in enumerate(parts, start=1)
    ]


def _manifest(
    settings: IiifSettings, collection: str, shown: Sequence[Shown], place: tuple[int, int]
) -> Json:
    base = base_address(settings)
    number, total = place
    title = collection if total == 1 else f"{collection} ({number} of {total})"
    canvases = [_canvas(base, collection, one) for one in shown]
    common = {canvas.get("rights") for canvas in canvases}
    manifest = {
        "@context": CONTEXT,
        "id": f"{base}/{quote(collection, safe='')}/{manifest_name(number)}",
        "type": "Manifest",
        "label": _text(title),
        "thumbnail": canvases[0]["thumbnail"],
        "behavior": ["individuals"],
        "partOf": [{"id": f"{base}/collection.json", "type": "Collection"}],
        "items": canvases,
    }
    if len(common) == 1 and None not in common:
        manifest["rights"] = common.pop()
    return manifest | _publisher(settings)


def _publisher(settings: IiifSettings) -> Json:
    if settings.publisher is None:
        return {}
    name = _text(settings.publisher)
    said: Json = {"requiredStatement": _pair("Attribution", settings.publisher)}
    if settings.publisher_url is not None:
        page = {"id": settings.publisher_url, "type": "Text", "format": "text/html", "label": name}
        said["provider"] = [
            {"id": settings.publisher_url, "type": "Agent", "label": name, "homepage": [page]}
        ]
    return said


def _canvas(base: str, collection: str, shown: Shown) -> Json:
    scan = shown.scan
    address = service_address(base, collection, scan["scan_id"])
    canvas = f"{address}/canvas"
    uri = rights_uri(scan["rights"])
    painting = {
        "id": f"{canvas}/page/painting",
        "type": "Annotation",
        "motivation": "painting",
        "target": canvas,
        "body": _image(address, shown.service, None),
    }
    described = {
        "id": canvas,
        "type": "Canvas",
        "label": _text(_label(scan)),
        # The scan's own size, whatever the size of the picture on it, so that an annotation
        # stays where it is when the picture is made anew.
        "width": scan["width_px"],
        "height": scan["height_px"],
        "metadata": [_pair(label, scan[name]) for name, label in _METADATA if scan[name]],
        "thumbnail": [_image(address, shown.service, shown.service.thumbnail_size)],
        "items": [{"id": f"{canvas}/page", "type": "AnnotationPage", "items": [painting]}],
    }
    if uri:
        described["rights"] = uri
    elif scan["rights"]:
        described["requiredStatement"] = _pair("Rights", scan["rights"])
    return described


def _label(scan: Mapping[str, Any]) -> str:
    name = scan["title"] or scan["source_path"].rsplit("/", 1)[-1]
    page = scan["page"] or 1
    return name if page == 1 else f"{name}, page {page}"


def _image(address: str, service: Service, size: tuple[int, int] | None) -> Json:
    width, height = size or service.full_size
    return {
        "id": f"{address}/{whole_path(size)}",
        "type": "Image",
        "format": FORMAT,
        "width": width,
        "height": height,
        "service": [{"id": address, "type": "ImageService3", "profile": "level0"}],
    }


def collection_of(settings: IiifSettings, sizes: Mapping[str, int]) -> Json:
    """Return the collection that lists every manifest.

    Args:
        settings: Addresses and publisher.
        sizes: Number of canvases of each collection that has any.
    """
    base = base_address(settings)
    items = [item for name, size in sorted(sizes.items()) for item in _listed(base, name, size)]
    top = {
        "@context": CONTEXT,
        "id": f"{base}/collection.json",
        "type": "Collection",
        "label": {_ENGLISH: ["Collections"]},
        "items": items,
    }
    return top | _publisher(settings)


def _listed(base: str, collection: str, size: int) -> Iterable[Json]:
    total = -(-size // MOST_CANVASES)
    for number in range(1, total + 1):
        title = collection if total == 1 else f"{collection} ({number} of {total})"
        address = f"{base}/{quote(collection, safe='')}/{manifest_name(number)}"
        yield {"id": address, "type": "Manifest", "label": _text(title)}


def _pair(label: str, value: str) -> Json:
    return {"label": {_ENGLISH: [label]}, "value": _text(value)}


def _text(text: str) -> dict[str, list[str]]:
    """Return text of unknown language that no viewer takes for HTML."""
    text = text.strip()
    return {_UNKNOWN: [f"{text} " if text.startswith("<") and text.endswith(">") else text]}

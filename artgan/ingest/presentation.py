"""IIIF Presentation manifests, versions 2 and 3: which pictures they show and what they say.

References:
    https://iiif.io/api/presentation/3.0/; https://iiif.io/api/presentation/2.1/;
    https://iiif.io/api/presentation/3.0/change-log/ for what was renamed.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_TAG = re.compile(r"<[^>]*>")
_OWN_HEADINGS = {"file", "title", "rights"}
_LANGUAGES = ("en", "none", "@none")
_IMAGE_SERVICE = re.compile(r"ImageService|iiif\.io/api/image|library\.stanford\.edu/iiif")

Json = dict[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture that a manifest shows.

    Attributes:
        url: Address of the picture that the manifest names.
        service: Address of its image service, if it has one.
        fields: What the manifest says of it, by heading: title, rights, iiif_manifest and others of
            that kind, and every pair of its metadata under the label it has there.
    """

    url: str
    service: str | None
    fields: dict[str, str] = field(default_factory=dict)


def kind_of(document: object) -> str:
    """Return manifest, collection, or empty for anything else."""
    if not isinstance(document, dict):
        return ""
    name = str(document.get("type") or document.get("@type") or "").rsplit(":", 1)[-1]
    return name.lower() if name in ("Manifest", "Collection") else ""


def members_of(collection: Json) -> list[str]:
    """Return the addresses of what a collection lists: manifests and other collections."""
    listed = [
        one
        for name in ("items", "manifests", "collections", "members")
        for one in _list(collection.get(name))
    ]
    return [address for one in listed if (address := _id(one))]


def pictures_of(manifest: Json, address: str) -> list[Picture]:
    """Return the pictures of a manifest in order, each once.

    Args:
        manifest: The document.
        address: Where it was read.
    """
    common = _fields(manifest) | {"iiif_manifest": address}
    canvases = list(_canvases(manifest))
    found: dict[str, Picture] = {}
    for canvas in canvases:
        for body in _bodies(canvas):
            url = _id(body)
            if url and url not in found:
                own = _fields(canvas)
                title = own.get("iiif_title") or _title(manifest, canvas, len(canvases))
                fields = common | own | {"title": title}
                found[url] = Picture(url, _service(body), {k: v for k, v in fields.items() if v})
    return list(found.values())


def _canvases(manifest: Json) -> Iterator[Json]:
    yield from _objects(manifest.get("items"))
    for sequence in _objects(manifest.get("sequences")):
        yield from _objects(sequence.get("canvases"))


def _bodies(canvas: Json) -> Iterator[Json]:
    """Yield the pictures painted on a canvas; of alternatives the first."""
    pages = [one for page in _objects(canvas.get("items")) for one in _objects(page.get("items"))]
    for annotation in (*pages, *_objects(canvas.get("images"))):
        if "painting" not in str(annotation.get("motivation", "painting")).lower():
            continue
        bodies = annotation.get("body", annotation.get("resource"))
        for body in _list(bodies):
            chosen = _first_choice(body)
            if str(chosen.get("type") or chosen.get("@type") or "Image").endswith("Image"):
                yield chosen


def _first_choice(body: object) -> Json:
    if not isinstance(body, dict):
        return {"id": body} if isinstance(body, str) else {}
    if str(body.get("type") or body.get("@type") or "").endswith("Choice"):
        return next(iter(_objects(body.get("items", body.get("default")))), {})
    if str(body.get("type")) == "SpecificResource" and isinstance(body.get("source"), dict):
        return body["source"]
    return body


def _service(body: Json) -> str | None:
    """Return the address of the newest image service of a picture."""
    found = []
    for one in _objects(body.get("service")):
        said = " ".join(str(one.get(name, "")) for name in ("type", "@type", "@context", "profile"))
        address = _id(one)
        if address and _IMAGE_SERVICE.search(said):
            found.append((said, address.rstrip("/")))
    newest = [address for said, address in found if "ImageService3" in said or "image/3" in said]
    return (newest or [address for _, address in found] or [None])[0]


def _fields(resource: Json) -> dict[str, str]:
    fields = {}
    for pair in _objects(resource.get("metadata")):
        label, value = text_of(pair.get("label")), text_of(pair.get("value"))
        if label and value:
            # Under our own headings stands what we make of a manifest.
            fields[f"iiif_{label.lower()}" if label.lower() in _OWN_HEADINGS else label] = value
    statement = resource.get("requiredStatement")
    said = statement.get("value") if isinstance(statement, dict) else resource.get("attribution")
    rights = _first_text(resource.get("rights") or resource.get("license"))
    homepage = next(iter(_objects(resource.get("homepage"))), None) or resource.get("related")
    fields |= {
        "rights": rights or text_of(said),
        "iiif_statement": text_of(said),
        "iiif_homepage": _id(homepage),
        "iiif_summary": text_of(resource.get("summary") or resource.get("description")),
    }
    return {name: value for name, value in fields.items() if value}


def _title(manifest: Json, canvas: Json, n_canvases: int) -> str:
    whole, part = text_of(manifest.get("label")), text_of(canvas.get("label"))
    if n_canvases == 1 or not part or part == whole:
        return whole or part
    return f"{whole}, {part}" if whole else part


def text_of(value: object) -> str:
    """Return the words of a label or value: English where there is a choice, without markup.

    Args:
        value: A language map (version 3), or text, ``@value`` or a list of them (version 2).
    """
    return "; ".join(plain for one in _words(value) if (plain := _without_markup(one)))


def _words(value: object) -> list[str]:
    if isinstance(value, str | int | float):
        return [str(value)]
    if isinstance(value, list):
        objects = [one for one in value if isinstance(one, dict) and "@value" in one]
        spoken = {str(one.get("@language", "none")).split("-")[0]: one for one in objects}
        if len(spoken) > 1:
            return _words(_preferred(spoken))
        return [word for one in value for word in _words(one)]
    if isinstance(value, dict):
        return _words(value["@value"] if "@value" in value else _preferred(value))
    return []


def _preferred(by_language: dict[str, Any]) -> object:
    for language in _LANGUAGES:
        if language in by_language:
            return by_language[language]
    return next(iter(by_language.values()), None)


def _without_markup(text: str) -> str:
    text = text.strip()
    if text.startswith("<") and text.endswith(">"):
        text = _TAG.sub(" ", text)
    return " ".join(html.unescape(text).split())


def _first_text(value: object) -> str:
    return next((one for one in _list(value) if isinstance(one, str)), "")


def _id(resource: object) -> str:
    if isinstance(resource, str):
        return resource
    if not isinstance(resource, dict):
        return ""
    found = resource.get("id") or resource.get("@id")
    return found if isinstance(found, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _objects(value: object) -> list[Json]:
    return [one for one in _list(value) if isinstance(one, dict)]

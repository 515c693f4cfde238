"""Manifests of figures: what measuring leaves for the pages, one JSON object beside its images.

A manifest lies at ``reports/figures/<collection>/<product>/<name>.json``; image paths in it are
keys under the archive root.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from artgan.errors import CorruptAssetError
from artgan.storage import Store

FOLDER = "reports/figures"
MEASURED = "reports/measured"
"""Where finished measurements are remembered, by collection."""

Product = Literal[
    "restoration",
    "simulation",
    "stylization",
    "detection",
    "tone",
    "denoise",
    "upscale",
    "privacy",
    "robustness",
]
Layout = Literal["strips", "grid", "pairs"]


@dataclass(frozen=True)
class FigureImage:
    """One picture of a figure.

    Attributes:
        label: What it is, in a word or two: truth, damaged, generated...
        path: Key of the image under the archive root.
        width: Width in pixels.
        height: Height in pixels.
        alt: What a reader who cannot see it must know.
    """

    label: str
    path: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class FigureItem:
    """Pictures that belong together: a row of a strip, a cell of a grid, a pair.

    Attributes:
        title: What they show, usually the work's title.
        note: Numbers and words below them; may be empty.
        images: The pictures, in the order of reading.
    """

    title: str
    note: str
    images: tuple[FigureImage, ...]


@dataclass(frozen=True)
class FigureSet:
    """One figure of a collection's page.

    Attributes:
        product: Section it belongs to.
        collection: Collection it was made for.
        model_id: Model that it shows; empty for none.
        title: Heading.
        note: How the items were chosen, and from which split.
        layout: ``strips``: one row per item; ``grid``: many small pictures; ``pairs``: a
            generated picture beside its nearest real work.
        items: The items, in the order of reading.
    """

    product: Product
    collection: str
    model_id: str
    title: str
    note: str
    layout: Layout
    items: tuple[FigureItem, ...]

    def to_json(self) -> bytes:
        """Return the manifest's bytes; equal figures give equal bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()


def figure_key(collection: str, product: Product, name: str) -> str:
    """Return the key of a manifest."""
    return f"{FOLDER}/{collection}/{product}/{name}.json"


def figure_from_json(content: bytes) -> FigureSet:
    """Read a manifest.

    Raises:
        CorruptAssetError: If it is not one.
    """
    try:
        return _figure(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptAssetError(
            f"figure manifest must hold a figure set, got {content[:60]!r} ({error!r}). "
            "Run the report flow again."
        ) from error


def _figure(fields: Mapping[str, Any]) -> FigureSet:
    if fields["product"] not in get_args(Product) or fields["layout"] not in get_args(Layout):
        raise ValueError(f"{fields['product']}, {fields['layout']}")
    items = tuple(
        FigureItem(
            item["title"], item["note"], tuple(FigureImage(**image) for image in item["images"])
        )
        for item in fields["items"]
    )
    return FigureSet(
        fields["product"],
        fields["collection"],
        fields["model_id"],
        fields["title"],
        fields["note"],
        fields["layout"],
        items,
    )


def read_figures(store: Store, collection: str) -> tuple[list[FigureSet], list[str]]:
    """Return a collection's figures in the order of their keys, and the keys not readable.

    A picture that should lie among the figures and does not loses its path, so that a page can
    say so instead of showing a broken image.
    """
    keys = [entry.key for entry in store.entries(f"{FOLDER}/{collection}")]
    figures, unreadable = [], []
    for key in keys:
        if not key.endswith(".json"):
            continue
        try:
            figures.append(_with_present(figure_from_json(store.read(key)), set(keys)))
        except CorruptAssetError:
            unreadable.append(key)
    return figures, unreadable


def _with_present(figure: FigureSet, keys: set[str]) -> FigureSet:
    folder = f"{FOLDER}/{figure.collection}/"

    def check(image: FigureImage) -> FigureImage:
        lost = image.path.startswith(folder) and image.path not in keys
        return replace(image, path="") if lost else image

    items = (replace(item, images=tuple(map(check, item.images))) for item in figure.items)
    return replace(figure, items=tuple(items))


def remove_figures(store: Store, collection: str) -> int:
    """Remove a collection's figures; the next report measures it again and makes them anew."""
    return store.delete_below(f"{FOLDER}/{collection}") + store.delete_below(
        f"{MEASURED}/{collection}"
    )

"""Figures of strips: one row of pictures for each item, as measuring leaves them for the pages."""

from collections.abc import Mapping, Sequence

import numpy as np

from artgan.report.figures import FigureItem, FigureSet
from artgan.report.measured import Measurement, write_figure, write_image
from artgan.storage import Store

SHOWN = 6


def strip_item(
    store: Store,
    one: Measurement,
    file: str,
    title: str,
    note: str,
    pictures: Mapping[str, np.ndarray],
) -> FigureItem:
    """Write the pictures of one strip.

    Args:
        store: Archive root.
        one: Measurement that it belongs to.
        file: What names of its files begin with.
        title: Work that it shows.
        note: Numbers and words below it.
        pictures: (H, W, 3) uint8 by label, in the order of reading.
    """
    folder = f"reports/figures/{one.collection}/{one.product}/{one.model_id}"
    images = tuple(
        write_image(
            store,
            f"{folder}/{file}-{label.lower().replace(' ', '-')}.png",
            picture,
            label,
            f"{title}, crop: {label}",
        )
        for label, picture in pictures.items()
    )
    return FigureItem(title, note, images)


def write_strips(
    store: Store, one: Measurement, items: Sequence[FigureItem], name: str, title: str, note: str
) -> None:
    """Write a figure of strips.

    Args:
        store: Archive root.
        one: Measurement that it belongs to.
        items: The strips.
        name: Name of the manifest.
        title: Heading.
        note: How the items were chosen.
    """
    model = one.model_id or ""
    figure = FigureSet(one.product, one.collection, model, title, note, "strips", tuple(items))
    write_figure(store, figure, name)

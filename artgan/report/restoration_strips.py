"""Held-out crops restored by every method, side by side: some as they come, and the worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from artgan.catalog.works import Work
from artgan.degrade.evaluation import DamagedCrop, hole_psnr_db
from artgan.report.figures import FigureItem
from artgan.report.measured import Measurement, title_of
from artgan.report.strips import SHOWN, strip_item, write_strips
from artgan.storage import Store

_LABELS = {
    "do_nothing": "damaged",
    "telea": "Telea",
    "navier_stokes": "Navier-Stokes",
    "model": "filler",
    "perceptual": "filler with more texture",
}


@dataclass(frozen=True)
class Restored:
    """A damaged crop and what every method made of it.

    Attributes:
        crop: The crop.
        pictures: (H, W, 3) uint8 by method, as `artgan.restore.measure.restorations` returns them.
    """

    crop: DamagedCrop
    pictures: Mapping[str, np.ndarray]

    @property
    def decibels(self) -> float:
        """Hole PSNR of the filler in dB."""
        return hole_psnr_db(self.pictures["model"], self.crop)


def write_restoration_strips(
    store: Store, one: Measurement, held_out: Sequence[Work], restored: Sequence[Restored]
) -> None:
    """Write the figures of a measurement: first crops of first works, and the filler's worst."""
    unselected = _items(store, one, held_out, _first_of_each(restored), "held-out")
    write_strips(
        *(store, one, unselected, "held-out", "Held-out works with synthetic damage"),
        "Test works, damage drawn with a fixed seed, the first crop of each work; not selected.",
    )
    ranked = sorted(restored, key=lambda each: each.decibels)
    write_strips(
        *(store, one, _items(store, one, held_out, ranked, "worst"), "worst"),
        "Where the filler is farthest from the truth",
        "Of all measured crops those with the lowest PSNR in the damage, the worst first.",
    )


def _first_of_each(restored: Sequence[Restored]) -> list[Restored]:
    """Return the first crop of each work."""
    first: dict[int, Restored] = {}
    for each in restored:
        first.setdefault(each.crop.picture, each)
    return list(first.values())


def _items(
    store: Store,
    one: Measurement,
    held_out: Sequence[Work],
    restored: Sequence[Restored],
    name: str,
) -> list[FigureItem]:
    items = []
    for number, each in enumerate(restored[:SHOWN]):
        pictures = {"truth": each.crop.truth} | {
            label: each.pictures[method]
            for method, label in _LABELS.items()
            if method in each.pictures
        }
        words = f"{each.crop.mask.mean():.0%} of the crop damaged, filler {each.decibels:.1f} dB"
        title = title_of(held_out[each.crop.picture])
        items.append(strip_item(store, one, f"{name}-{number:02d}", title, words, pictures))
    return items

"""Where a fine-tuning starts and where it leads, beside a training from nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from artgan.imaging.moving import enlarged
from artgan.models.simulators import Simulator
from artgan.simulate.works import grid, simulate

WORKS = 8
_LEAST_CELL_PX = 96
_METRIC = "kid_x1000"

Record = Mapping[str, float]


def side_by_side(simulators: Sequence[Simulator], collection: str, seed: int) -> np.ndarray:
    """Lay out one row of works for each model, of the same seeds in each.

    Args:
        simulators: Models, from top to bottom.
        collection: Asked for where a model has classes.
        seed: First of eight seeds.
    """
    cells = [
        enlarged(picture, _LEAST_CELL_PX)
        for one in simulators
        for picture in simulate(
            one.generator, range(seed, seed + WORKS), label=one.label_of(collection)
        )
    ]
    return grid(cells, WORKS, gap_px=4)


def compared(tuned: Sequence[Record], scratch: Sequence[Record]) -> dict[str, Any]:
    """Compare the validations of a fine-tuning and of a training from nothing.

    Args:
        tuned: Records with ``step`` and ``kid_x1000``; the first is the base itself.
        scratch: The same of the training from nothing.

    Returns:
        ``base``, ``scratch`` and ``fine_tuned``: kernel distance to held-out works, the last two
        at their best; ``scratch_best_step``; ``fine_tuned_reaches_it_at``: first validation of
        the fine-tuning that is as good as the best from nothing, or None.
    """
    best = min(scratch, key=lambda record: record[_METRIC])
    reached = [record["step"] for record in tuned if record[_METRIC] <= best[_METRIC]]
    return {
        "base": tuned[0][_METRIC],
        "scratch": best[_METRIC],
        "fine_tuned": min(record[_METRIC] for record in tuned),
        "scratch_best_step": best["step"],
        "fine_tuned_reaches_it_at": min(reached, default=None),
    }


def comparison_words(numbers: Mapping[str, Any]) -> str:
    """Say in a sentence what came of a comparison."""
    base, scratch, tuned = (numbers[name] for name in ("base", "scratch", "fine_tuned"))
    words = f"KID x1000 of the base {base:.0f}, from nothing {scratch:.0f}, fine-tuned {tuned:.0f}"
    reached = numbers["fine_tuned_reaches_it_at"]
    if reached is None:
        return f"{words}; fine-tuning did not get as far as starting from nothing"
    return (
        f"{words}; fine-tuning was as good at step {reached:.0f} as starting from nothing at "
        f"step {numbers['scratch_best_step']:.0f}"
    )

"""Measurement of a filler beside the methods that need no training, on held-out crops."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from artgan.degrade.evaluation import DamagedCrop, damage_picture, hole_psnr_db
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.models.classical import inpaint
from artgan.models.filler import Filler
from artgan.models.prefill import push_pull
from artgan.restore.fill import fill_scan


@dataclass(frozen=True)
class CropComparison:
    """Hole PSNR of every method on one crop, in dB; higher is better.

    Attributes:
        picture: Number of the picture that the crop was cut from.
        area_fraction: Fraction of the crop that is damaged.
        model: The trained filler.
        telea: Telea's fast marching method.
        navier_stokes: Bertalmio's Navier-Stokes method.
        prefill: The filler's smooth start, before any network.
        do_nothing: The damage as it looks: bare ground.
    """

    picture: int
    area_fraction: float
    model: float
    telea: float
    navier_stokes: float
    prefill: float
    do_nothing: float


def compare_methods(crops: Sequence[DamagedCrop], filler: Filler) -> list[CropComparison]:
    """Restore crops with every method and measure each inside the damage.

    Args:
        crops: Damaged crops with their truth, at most 511 px so that no mask is widened.
        filler: A trained filler; it is run the way a whole scan is filled.

    Returns:
        One comparison for each crop, in the order given.
    """
    return [_compare(crop, filler, number) for number, crop in enumerate(crops)]


def _compare(crop: DamagedCrop, filler: Filler, seed: int) -> CropComparison:
    made = restorations(crop, filler, seed)
    return CropComparison(
        picture=crop.picture,
        area_fraction=float(crop.mask.mean()),
        **{method: hole_psnr_db(picture, crop) for method, picture in made.items()},
    )


def restorations(crop: DamagedCrop, filler: Filler, seed: int) -> dict[str, np.ndarray]:
    """Restore one crop with every method.

    Args:
        crop: A damaged crop with its truth.
        filler: A trained filler.
        seed: Decides the looks of the damage.

    Returns:
        (H, W, 3) uint8 by method, in the order of `CropComparison`.
    """
    damaged = damage_picture(crop.truth, crop.mask, seed)
    return {
        "model": fill_scan(damaged, crop.mask, filler).pixels,
        "telea": inpaint(damaged, crop.mask, "telea"),
        "navier_stokes": inpaint(damaged, crop.mask, "navier_stokes"),
        "prefill": prefill_picture(damaged, crop.mask),
        "do_nothing": damaged,
    }


def prefill_picture(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill holes with the smooth prefill alone.

    Args:
        picture: (H, W, 3) uint8.
        mask: (H, W) bool.

    Returns:
        (H, W, 3) uint8, equal to the picture outside the mask.
    """
    holes = torch.from_numpy(mask)[None, None].float()
    return batch_to_arrays(push_pull(arrays_to_batch([picture]), holes))[0]


def mean_by_method(rows: Sequence[CropComparison]) -> dict[str, float]:
    """Average each method's hole PSNR over crops.

    Args:
        rows: At least one comparison.

    Returns:
        dB by method.
    """
    methods = ("model", "telea", "navier_stokes", "prefill", "do_nothing")
    return {method: float(np.mean([getattr(row, method) for row in rows])) for method in methods}

"""Restoration of damaged crops by every method, for measuring them side by side."""

from collections.abc import Mapping

import numpy as np
import torch

from artgan.degrade.evaluation import DamagedCrop, damage_picture
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.models.classical import inpaint
from artgan.models.filler import Filler
from artgan.models.prefill import push_pull
from artgan.restore.fill import fill_scan


def restorations(
    crop: DamagedCrop, fillers: Mapping[str, Filler], seed: int
) -> dict[str, np.ndarray]:
    """Restore one crop with every method.

    Args:
        crop: A damaged crop with its truth, at most 511 px so that no mask is widened.
        fillers: Trained fillers by name, run the way a whole scan is filled.
        seed: Decides the looks of the damage.

    Returns:
        (H, W, 3) uint8 by method: the fillers, then ``telea``, ``navier_stokes``, ``prefill`` (the
        fillers' smooth start alone) and ``do_nothing`` (the damage as it looks: bare ground).
    """
    damaged = damage_picture(crop.truth, crop.mask, seed)
    return {
        **{name: fill_scan(damaged, crop.mask, filler).pixels for name, filler in fillers.items()},
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

"""How well a filler fills held-out crops, in numbers and as a picture."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.degrade.evaluation import DamagedCrop, hole_psnr_db
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.paired import texture_ratio
from artgan.models.classical import ClassicalMethod, inpaint
from artgan.models.filler import Filler, fill_batch
from artgan.models.prefill import push_pull
from artgan.simulate.works import grid


@torch.no_grad()
def fill_crops(filler: Filler, crops: Sequence[DamagedCrop]) -> list[np.ndarray]:
    """Fill damaged crops of one size in a single batch, as uint8 pictures."""
    device = next(filler.parameters()).device
    images, mask = crops_to_batch(crops)
    return batch_to_arrays(fill_batch(filler, images.to(device), mask.to(device)))


def crops_to_batch(crops: Sequence[DamagedCrop]) -> tuple[Tensor, Tensor]:
    """Stack crops of one size: images (B, 3, H, W) in [0, 1] and masks (B, 1, H, W)."""
    images = arrays_to_batch([crop.truth for crop in crops])
    mask = torch.from_numpy(np.stack([crop.mask for crop in crops]))[:, None].float()
    return images, mask


def filler_db(filler: Filler, crops: Sequence[DamagedCrop]) -> float:
    """Average the hole PSNR of a filler over crops."""
    return _mean_db(fill_crops(filler, crops), crops)


def measures(
    fidelity: Filler, perceptual: Filler, crops: Sequence[DamagedCrop]
) -> dict[str, float]:
    """Measure both results over crops of one size."""
    faithful, lively = fill_crops(fidelity, crops), fill_crops(perceptual, crops)
    truths, masks = [crop.truth for crop in crops], [crop.mask for crop in crops]
    return {
        "hole_psnr_db": _mean_db(faithful, crops),
        "perceptual_db": _mean_db(lively, crops),
        "texture_ratio": texture_ratio(faithful, truths, masks),
        "perceptual_texture_ratio": texture_ratio(lively, truths, masks),
    }


def _mean_db(restored: Sequence[np.ndarray], crops: Sequence[DamagedCrop]) -> float:
    pairs = zip(restored, crops, strict=True)
    return float(np.mean([hole_psnr_db(picture, crop) for picture, crop in pairs]))


def peers_db(crops: Sequence[DamagedCrop]) -> dict[str, float]:
    """Average the hole PSNR of the methods that need no training."""
    images, mask = crops_to_batch(crops)
    peers = {"prefill_db": _mean_db(batch_to_arrays(push_pull(images, mask)), crops)}
    methods: tuple[ClassicalMethod, ...] = ("telea", "navier_stokes")
    for method in methods:
        restored = [inpaint(crop.truth, crop.mask, method) for crop in crops]
        peers[f"{method}_db"] = _mean_db(restored, crops)
    return peers


def progress_grid(fidelity: Filler, perceptual: Filler, crops: Sequence[DamagedCrop]) -> np.ndarray:
    """Draw crops side by side: damaged, smooth prefill, filled by both, truth; from the top."""
    images, mask = crops_to_batch(crops)
    pictures = [
        *batch_to_arrays(images * (1.0 - mask) + 0.5 * mask),
        *batch_to_arrays(push_pull(images, mask)),
        *fill_crops(fidelity, crops),
        *fill_crops(perceptual, crops),
        *(crop.truth for crop in crops),
    ]
    return grid(pictures, len(crops), gap_px=0)

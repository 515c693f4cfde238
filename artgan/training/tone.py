"""Training of the tone network: works are aged, and it learns the numbers that make them young."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.degrade.ageing import Ageing, age, aged_for_sure
from artgan.enhance.thumbnail import look_at
from artgan.enhance.tone import choose_tone, tone_picture
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.paired import delta_e00
from artgan.models.classical_finish import auto_levels, grey_world
from artgan.models.tone import THUMBNAIL_PX, ToneNetwork, apply_tone
from artgan.presets import TonePreset
from artgan.simulate.works import grid
from artgan.training.crops import check_pictures, drawn_rng
from artgan.training.loop import Trainee
from artgan.training.pupil import VALIDATION_SEED, Pupil, Weights, build_pupil

LAB_WEIGHT = 0.02
LEAST_PART = 0.5
VALIDATION_WORKS = 48
GRID_WORKS = 8
_CROP_PX = 2 * THUMBNAIL_PX


@dataclass(frozen=True)
class AgedWork:
    """A work and what time made of it, (H, W, 3) uint8 each, and its number."""

    truth: np.ndarray
    aged: np.ndarray
    picture: int


def build(
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: TonePreset,
    steps: int,
    seed: int,
    base: Weights | None,
) -> Trainee:
    """Prepare the training of a tone network; for arguments see `artgan.training.restoration`."""
    check_pictures("train", train, _CROP_PX)
    check_pictures("val", val, _CROP_PX)
    torch.manual_seed(seed)
    network = ToneNetwork(preset.width)
    works = cache(lambda: aged_works(val, VALIDATION_WORKS, VALIDATION_SEED))
    peers = cache(lambda: tone_peers(works()))

    def losses(network: ToneNetwork, device: torch.device) -> dict[str, Tensor]:
        # all float32: the network is tiny, and powers of light are all that follows
        aged, truth = (part.to(device) for part in _draw(train, preset))
        numbers = network(F.avg_pool2d(aged, 2))
        # pixels as they are, not their averages: each is moved by itself
        made, wanted = apply_tone(aged[..., ::2, ::2], *numbers), truth[..., ::2, ::2]
        colour = (to_lab(made) - to_lab(wanted)).square().sum(dim=1).add(1e-4).sqrt().mean()
        return {"fidelity": F.l1_loss(made, wanted), "colour": colour}

    pupil = Pupil(
        "tone",
        network,
        preset.learning_rate,
        losses,
        measures=lambda ema: tone_measures(ema, works()) | peers(),
        grid=lambda ema: progress_grid(ema, works()[:GRID_WORKS]),
        loss_weights={"colour": LAB_WEIGHT},
    )
    return build_pupil(pupil, steps, base)


def aged_works(pictures: Sequence[np.ndarray], count: int, seed: int) -> list[AgedWork]:
    """Age works, each in turn until there are as many as wanted; fixed by the seed."""
    rng = np.random.default_rng(seed)
    chosen = [number % len(pictures) for number in range(count)]
    return [AgedWork(pictures[n], age(pictures[n], aged_for_sure(rng)), n) for n in chosen]


def _draw(pictures: Sequence[np.ndarray], preset: TonePreset) -> tuple[Tensor, Tensor]:
    """Draw parts of works, aged and as they are; some are not aged at all."""
    rng = drawn_rng()
    truth = [
        _part(pictures[number], rng) for number in rng.integers(len(pictures), size=preset.batch)
    ]
    fresh = rng.random(len(truth)) < preset.identity_fraction
    aged = [
        age(work, Ageing() if is_fresh else aged_for_sure(rng))
        for work, is_fresh in zip(truth, fresh, strict=True)
    ]
    return arrays_to_batch(aged), arrays_to_batch(truth)


def _part(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut at least a half of a work in each direction, and squeeze it to twice a thumbnail."""
    height, width = (
        max(1, int(side * part))
        for side, part in zip(picture.shape[:2], rng.uniform(LEAST_PART, 1.0, 2), strict=True)
    )
    top = int(rng.integers(picture.shape[0] - height + 1))
    left = int(rng.integers(picture.shape[1] - width + 1))
    part = picture[top : top + height, left : left + width]
    part = cv2.resize(part, (_CROP_PX, _CROP_PX), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part)


def to_lab(levels: Tensor) -> Tensor:
    """Convert (B, 3, H, W) sRGB levels to CIELAB under D65, with gradients everywhere.

    As `artgan.metrics.colour_difference.srgb_to_lab`; levels outside [0, 1] are clipped.
    """
    levels = levels.clamp(0.0, 1.0)
    curve = ((levels + 0.055) / 1.055) ** 2.4
    linear = torch.where(levels <= 0.04045, levels / 12.92, curve)
    ratio = torch.einsum("ij,bjhw->bihw", _TO_XYZ.to(linear), linear)
    low = ratio / (3.0 * (6.0 / 29.0) ** 2) + 4.0 / 29.0
    f = torch.where(ratio > (6.0 / 29.0) ** 3, ratio.clamp_min(1e-4) ** (1.0 / 3.0), low)
    x, y, z = f.unbind(dim=1)
    return torch.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], dim=1)


# IEC 61966-2-1, each row divided by its sum: by the white
_TO_XYZ = torch.tensor(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_TO_XYZ = _TO_XYZ / _TO_XYZ.sum(dim=1, keepdim=True)


def restore_tone(network: ToneNetwork, picture: np.ndarray) -> np.ndarray:
    """Correct the tone of a picture, (H, W, 3) uint8, as that of a scan is corrected."""
    return tone_picture(picture, choose_tone(network, look_at(picture).thumbnail))


def tone_measures(network: ToneNetwork, works: Sequence[AgedWork]) -> dict[str, float]:
    """Measure what is left of the ageing, and how far clean works move; CIEDE2000."""
    clean = {id(work.truth): work.truth for work in works}
    left = [delta_e00(restore_tone(network, work.aged), work.truth) for work in works]
    moved = [delta_e00(restore_tone(network, one), one) for one in clean.values()]
    return {"delta_e00": float(np.mean(left)), "clean_delta_e00": float(np.mean(moved))}


def tone_peers(works: Sequence[AgedWork]) -> dict[str, float]:
    """Measure the same for doing nothing, grey-world and auto-levels."""
    methods = {"unchanged": np.copy, "grey_world": grey_world, "auto_levels": auto_levels}
    return {
        f"{name}_delta_e00": float(
            np.mean([delta_e00(method(work.aged), work.truth) for work in works])
        )
        for name, method in methods.items()
    }


def progress_grid(network: ToneNetwork, works: Sequence[AgedWork]) -> np.ndarray:
    """Draw the centres of works side by side: aged, corrected, truth from top to bottom."""
    restored = (restore_tone(network, work.aged) for work in works)
    rows = ((work.aged for work in works), restored, (work.truth for work in works))
    return grid([_centre(one) for row in rows for one in row], len(works), gap_px=0)


def _centre(picture: np.ndarray) -> np.ndarray:
    top, left = ((side - _CROP_PX) // 2 for side in picture.shape[:2])
    return picture[top : top + _CROP_PX, left : left + _CROP_PX]

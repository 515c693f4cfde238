"""Training of the finishers: denoiser and upscaler learn to undo what spoiled a crop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.degrade.capture import capture, low_resolution, reduce
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.paired import psnr
from artgan.models.classical_finish import NLM_STRENGTHS, enlarged, median, non_local_means
from artgan.models.finisher import Denoiser, Upscaler
from artgan.presets import DenoisePreset, UpscalePreset
from artgan.simulate.works import grid
from artgan.training.crops import check_pictures, drawn_rng
from artgan.training.loop import Trainee, mixed_precision
from artgan.training.pupil import VALIDATION_SEED, Pupil, Weights, build_pupil

IDENTITY_FRACTION = 0.1
MOST_ZOOM = 2.0
VALIDATION_PAIRS = 32
MOST_DB = 60.0
GRID_PAIRS = 8

Finisher = Denoiser | Upscaler
Spoil = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Pair:
    """A crop of a work and what became of it.

    Attributes:
        truth: The crop, (H, W, 3) uint8.
        spoiled: What a finisher is given: as large, or smaller by a whole factor.
        picture: Number of the work that it was cut from.
    """

    truth: np.ndarray
    spoiled: np.ndarray
    picture: int


def spoil_capture(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur, add noise and compress; a tenth of the crops is left as it is, to be left alone."""
    return crop.copy() if rng.random() < IDENTITY_FRACTION else capture(crop, rng)


def spoil_size(noisy_fraction: float) -> Spoil:
    """Return what halves a crop, a part of them only with Pillow's bicubic kernel, clean."""

    def spoil(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        is_noisy = rng.random() < noisy_fraction
        return low_resolution(crop, 2, rng) if is_noisy else reduce(crop, 2, "bicubic")

    return spoil


def changed_for_sure(spoil: Spoil) -> Spoil:
    """Return what spoils until something has changed: chance may leave a crop as it was."""

    def surely(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        while np.array_equal(spoiled := spoil(crop, rng), crop):
            pass
        return spoiled

    return surely


def cut_crop(picture: np.ndarray, crop_px: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a random crop at a random scale, half of them mirrored left to right.

    Works reach a network at any scale, so it learns at several: the crop is up to twice as large
    before it is reduced.

    Args:
        picture: (H, W, 3) uint8, at least ``crop_px`` on both sides.
        crop_px: Side of the result.
        rng: Source of all randomness.
    """
    zoom, down, across, mirror = rng.uniform((1.0, 0.0, 0.0, 0.0), (MOST_ZOOM, 1.0, 1.0, 1.0))
    side = min(int(crop_px * zoom), *picture.shape[:2])
    top = int(down * (picture.shape[0] - side + 1))
    left = int(across * (picture.shape[1] - side + 1))
    crop = picture[top : top + side, left : left + side]
    crop = cv2.resize(crop, (crop_px, crop_px), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(crop[:, ::-1] if mirror < 0.5 else crop)


def finishing_pairs(
    pictures: Sequence[np.ndarray], crop_px: int, count: int, seed: int, spoil: Spoil
) -> list[Pair]:
    """Cut crops, spread evenly over pictures, and spoil them; fixed by the seed.

    Args:
        pictures: Works, (H, W, 3) uint8, at least ``crop_px`` on both sides.
        crop_px: Side of the crops, even.
        count: Number of pairs.
        seed: The same seed and pictures give the same pairs.
        spoil: What is done to a crop.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pictures))
    chosen = [int(order[i % len(order)]) for i in range(count)]
    crops = [cut_crop(pictures[number], crop_px, rng) for number in chosen]
    return [Pair(crop, spoil(crop, rng), n) for crop, n in zip(crops, chosen, strict=True)]


def build_denoise(
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: DenoisePreset,
    steps: int,
    seed: int,
    base: Weights | None,
) -> Trainee:
    """Prepare the training of a denoiser; for the arguments see `artgan.training.restoration`."""
    torch.manual_seed(seed)
    network = Denoiser(preset.widths, preset.blocks)
    kind = _Kind("denoiser", network, spoil_capture, denoise_peers)
    return build_pupil(_pupil(kind, train, val, preset), steps, base)


def build_upscale(
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: UpscalePreset,
    steps: int,
    seed: int,
    base: Weights | None,
) -> Trainee:
    """Prepare the training of an upscaler; for the arguments see `artgan.training.restoration`."""
    torch.manual_seed(seed)
    network = Upscaler(preset.width, preset.blocks)
    kind = _Kind("upscaler", network, spoil_size(preset.noisy_fraction), upscale_peers)
    return build_pupil(_pupil(kind, train, val, preset), steps, base)


@dataclass(frozen=True)
class _Kind:
    """What tells a denoiser from an upscaler."""

    name: str
    network: Finisher
    spoil: Spoil
    peers: Callable[[Sequence[Pair]], dict[str, float]]


def _pupil(
    kind: _Kind,
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: DenoisePreset | UpscalePreset,
) -> Pupil[Finisher]:
    check_pictures("train", train, preset.crop_px)
    check_pictures("val", val, preset.crop_px)
    cut = (preset.crop_px, VALIDATION_PAIRS, VALIDATION_SEED, changed_for_sure(kind.spoil))
    pairs = cache(lambda: finishing_pairs(val, *cut))
    peers = cache(lambda: kind.peers(pairs()))

    def losses(network: Finisher, device: torch.device) -> dict[str, Tensor]:
        spoiled, truth = (part.to(device) for part in _draw(train, preset, kind.spoil))
        with mixed_precision(device):
            finished = network(spoiled)
        return {"fidelity": F.l1_loss(finished.float(), truth)}

    return Pupil(
        kind.name,
        kind.network,
        preset.learning_rate,
        losses,
        measures=lambda ema: {"psnr_db": mean_db(finish_pairs(ema, pairs()), pairs()), **peers()},
        grid=lambda ema: progress_grid(ema, pairs()[:GRID_PAIRS]),
    )


def _draw(
    pictures: Sequence[np.ndarray], preset: DenoisePreset | UpscalePreset, spoil: Spoil
) -> tuple[Tensor, Tensor]:
    """Draw a batch of spoiled crops and of what they were."""
    rng = drawn_rng()
    chosen = rng.integers(len(pictures), size=preset.batch)
    crops = [cut_crop(pictures[number], preset.crop_px, rng) for number in chosen]
    spoiled = [spoil(crop, rng) for crop in crops]
    return arrays_to_batch(spoiled), arrays_to_batch(crops)


@torch.no_grad()
def finish_pairs(network: Finisher, pairs: Sequence[Pair]) -> list[np.ndarray]:
    """Run a finisher over spoiled crops of one size in a single batch, as uint8 pictures."""
    device = next(network.parameters()).device
    return batch_to_arrays(network(arrays_to_batch([pair.spoiled for pair in pairs]).to(device)))


def mean_db(made: Sequence[np.ndarray], pairs: Sequence[Pair]) -> float:
    """Average the PSNR of pictures over pairs, a perfect one counting as 60 dB."""
    values = [psnr(one, pair.truth) for one, pair in zip(made, pairs, strict=True)]
    return float(np.mean(np.minimum(values, MOST_DB)))


def denoise_peers(pairs: Sequence[Pair]) -> dict[str, float]:
    """Average the PSNR of doing nothing, the median, and non-local means at its best strength."""
    spoiled = [pair.spoiled for pair in pairs]
    strengths = [[non_local_means(one, strength) for one in spoiled] for strength in NLM_STRENGTHS]
    return {
        "unchanged_psnr_db": mean_db(spoiled, pairs),
        "median_psnr_db": mean_db([median(one) for one in spoiled], pairs),
        "nlm_psnr_db": max(mean_db(made, pairs) for made in strengths),
    }


def upscale_peers(pairs: Sequence[Pair]) -> dict[str, float]:
    """Average the PSNR of bicubic and of Lanczos."""
    spoiled = [pair.spoiled for pair in pairs]
    return {
        "bicubic_psnr_db": mean_db([enlarged(one, 2, "bicubic") for one in spoiled], pairs),
        "lanczos_psnr_db": mean_db([enlarged(one, 2, "lanczos") for one in spoiled], pairs),
    }


def progress_grid(network: Finisher, pairs: Sequence[Pair]) -> np.ndarray:
    """Draw crops side by side: spoiled, finished, truth from top to bottom."""
    side = pairs[0].truth.shape[0]
    spoiled = [pair.spoiled.repeat(side // pair.spoiled.shape[0], 0) for pair in pairs]
    spoiled = [one.repeat(side // one.shape[1], 1) for one in spoiled]
    truths = [pair.truth for pair in pairs]
    return grid([*spoiled, *finish_pairs(network, pairs), *truths], len(pairs), gap_px=0)

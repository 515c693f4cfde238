"""Training of the damage detector: damage drawn over works, and works left as they are."""

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import torch
from torch import Tensor

from artgan.degrade.blind import BlindCrop, blind_crops, cut_scaled
from artgan.degrade.work import DamageBank
from artgan.imaging.tensors import arrays_to_batch
from artgan.metrics.masks import altered, f1, precision, recall
from artgan.metrics.robustness import climb, marked_wrongly
from artgan.models.classical import small_details
from artgan.models.detector import Detector
from artgan.presets import DETECTED, OPAQUE, DamageClass, DetectionPreset
from artgan.restore.detect import DetectOptions, detect_scan
from artgan.restore.marking import marked
from artgan.simulate.works import grid
from artgan.training.crops import check_pictures
from artgan.training.loop import Trainee, mixed_precision
from artgan.training.losses import detection_loss
from artgan.training.pupil import VALIDATION_SEED, Pupil, Weights, build_pupil

CLASS_WEIGHT = 0.5  # the union decides what is marked, the classes only what it is called
BETAS = (0.9, 0.99)
GRAIN_CODES = 4.0
VALIDATION_CROPS = 64
GRID_CROPS = 8
CLIMB_STEPS = 2
_DRAWS = 9
CLASSICAL_WIDTH_PX, CLASSICAL_CONTRAST = 9, 48


def build(
    train: Sequence[np.ndarray],
    val: Sequence[np.ndarray],
    preset: DetectionPreset,
    steps: int,
    seed: int,
    base: Weights | None,
) -> Trainee:
    """Prepare the training of a detector.

    Args:
        train: Works to learn from, (H, W, 3) uint8, short side ``preset.short_side_px``.
        val: Held-out works, alike.
        preset: Sizes and rates.
        steps: Steps in all, which the schedule needs to know.
        seed: Decides the first weights and the damage.
        base: Weights of a published detector to start from at a lower rate, or None.

    Returns:
        What ``artgan.training.loop.train`` needs.

    Raises:
        InvalidInputError: A set is empty or a picture is too small.
        CorruptAssetError: The base has another architecture.
    """
    check_pictures("train", train, preset.sheet_px)
    check_pictures("val", val, preset.sheet_px)
    torch.manual_seed(seed)
    detector = untrained(preset)
    draw = DamagedBatches(train, preset, seed)
    pos_weight = draw.pos_weight()
    held_out = val, preset.sheet_px, VALIDATION_CROPS, VALIDATION_SEED, preset.classes
    crops = cache(lambda: blind_crops(*held_out))  # seconds: not for trainings that never validate
    peers = cache(lambda: {"classical_f1": classical_f1(crops())})

    def losses(detector: Detector, device: torch.device) -> dict[str, Tensor]:
        images, masks = (part.to(device) for part in draw())
        if preset.hardened_codes:
            images = hardened(detector, images, masks, preset.hardened_codes)
        with mixed_precision(device):
            logits = detector(images)
        return detection_loss(logits.float(), masks, pos_weight.to(device))

    pupil = Pupil(
        "detector",
        detector,
        preset.learning_rate,
        losses,
        measures=lambda ema: {**measures(ema, crops()), **peers()},
        grid=lambda ema: progress_grid(ema, crops()[:GRID_CROPS]),
        betas=BETAS,
        loss_weights={"classes": CLASS_WEIGHT},
    )
    return build_pupil(pupil, steps, base)


def untrained(preset: DetectionPreset) -> Detector:
    """Make a detector as a preset describes it; torch's global generator draws its weights."""
    least_side_px = round(preset.smallest_scale * preset.short_side_px)
    return Detector(
        *(preset.widths, preset.blocks, preset.classes, preset.short_side_px, least_side_px)
    )


def hardened(detector: Detector, images: Tensor, masks: Tensor, codes: int) -> Tensor:
    """Change the first half of a batch against the detector as it is now, within a bound.

    The other half stays, so that pictures that nobody changed are still looked at well.

    Args:
        detector: As it is now.
        images: (B, 3, H, W) in [0, 1].
        masks: (B, K + 1, H, W) of 0 and 1, the union last.
        codes: The bound, in codes of 255.

    References:
        Madry et al. 2018, https://arxiv.org/abs/1706.06083; two steps, on half of each batch
    """
    half = len(images) // 2

    def loss(moved: Tensor) -> Tensor:
        return marked_wrongly(detector(moved)[:, -1].float(), masks[:half, -1])

    return torch.cat([climb(loss, images[:half], codes, CLIMB_STEPS), images[half:]])


class DamagedBatches:
    """Crops of works, damaged or left as they are, with the mask of each class and the union.

    All randomness is torch's global generator's.

    Args:
        pictures: Works, (H, W, 3) uint8.
        preset: Sizes.
        seed: Decides the bank of damage.
    """

    def __init__(self, pictures: Sequence[np.ndarray], preset: DetectionPreset, seed: int) -> None:
        self.pictures, self.preset = pictures, preset
        self.bank = _bank(
            *(preset.sheet_px, preset.overlays, seed),
            *(tuple(preset.classes), preset.large_fraction),
        )

    def pos_weight(self) -> Tensor:
        """Return how much more a damaged pixel counts, for each class and the union: (K + 1,).

        It is the square root of what would weigh damaged and clean pixels the same.
        """
        overlays = self.bank.overlays
        shares = [
            np.mean([overlay.mask(kind).mean() for overlay in overlays])
            for kind in self.preset.classes
        ]
        shares.append(np.mean([overlay.union().mean() for overlay in overlays]))
        share = (1.0 - self.preset.clean_fraction) * torch.tensor(np.array(shares))
        return torch.sqrt((1.0 - share) / share.clamp_min(1e-4)).float()

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Draw images (B, 3, H, W) and their masks (B, K + 1, H, W) of 0 and 1."""
        draws = torch.rand(self.preset.batch, _DRAWS, dtype=torch.float64).tolist()
        pictures, masks = zip(*(self._one(draw) for draw in draws), strict=True)
        images = arrays_to_batch(pictures)
        # drawn damage has no grain of its own; without this its smoothness would give it away
        grain = torch.rand(len(draws), 1, 1, 1) * (GRAIN_CODES / 255.0)
        images = (images + grain * torch.randn_like(images)).clamp_(0.0, 1.0)
        return images, torch.from_numpy(np.stack(masks)).float()

    def _one(self, draws: list[float]) -> tuple[np.ndarray, np.ndarray]:
        which, clean, mirror, *rest = draws
        picture = self.pictures[int(which * len(self.pictures))]
        crop = cut_scaled(picture, self.preset.crop_px, rest[:3], self.preset.smallest_scale)
        crop = np.ascontiguousarray(crop[:, ::-1]) if mirror < 0.5 else crop
        if clean < self.preset.clean_fraction:
            shape = (len(self.preset.classes) + 1, *crop.shape[:2])
            return crop, np.zeros(shape, dtype=bool)
        number = (clean - self.preset.clean_fraction) / (1.0 - self.preset.clean_fraction)
        overlay = self.bank.pick([number, *rest[3:]], self.preset.crop_px)
        masks = [overlay.mask(kind) for kind in self.preset.classes]
        return overlay.apply(crop), np.stack([*masks, overlay.union()])


@lru_cache(maxsize=1)
def _bank(
    sheet_px: int, count: int, seed: int, classes: tuple[DamageClass, ...], large_fraction: float
) -> DamageBank:
    """Draw a bank; who trains a base and then collections draws it once."""
    return DamageBank(sheet_px, count, seed, classes, large_fraction)


def measures(detector: Detector, crops: Sequence[BlindCrop]) -> dict[str, float]:
    """Measure a detector on crops of held-out works.

    Args:
        detector: Trained or not.
        crops: Damaged crops with their truth.

    Returns:
        F1, precision and recall of the pixels that opaque damage covers, all of its classes wanted;
        and the share of the undamaged crops that is marked with the classes wanted by default.
    """
    everything, default = DetectOptions(OPAQUE), DetectOptions(DETECTED)
    found = [detect_scan(crop.damaged, detector, everything).mask for crop in crops]
    truth = [crop.overlay.union() for crop in crops]
    return {
        "union_f1": f1(found, truth),
        "damage_precision": precision(found, truth),
        "damage_recall": recall(found, truth),
        "clean_altered": altered(
            [detect_scan(crop.truth, detector, default).mask for crop in crops]
        ),
    }


def classical_f1(crops: Sequence[BlindCrop]) -> float:
    """Return the F1 of what needs no training: fine structures of a strong contrast."""
    found = [small_details(crop.damaged, CLASSICAL_WIDTH_PX, CLASSICAL_CONTRAST) for crop in crops]
    return f1(found, [crop.overlay.union() for crop in crops])


def progress_grid(detector: Detector, crops: Sequence[BlindCrop]) -> np.ndarray:
    """Draw crops side by side: damaged, marked by the detector, where it is, truth."""
    found = [detect_scan(crop.damaged, detector, DetectOptions(OPAQUE)).mask for crop in crops]
    pairs = list(zip(crops, found, strict=True))
    pictures = [
        *(crop.damaged for crop in crops),
        *(marked(crop.damaged, mask) for crop, mask in pairs),
        *(marked(crop.damaged, crop.overlay.union()) for crop in crops),
        *(crop.truth for crop in crops),
    ]
    return grid(pictures, len(crops), gap_px=0)

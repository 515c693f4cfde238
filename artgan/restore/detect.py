"""Detection of damage in a whole scan: a mask to propose, never one to act upon unseen.

A detector learned on works whose short side is at most the ``short_side_px`` of its preset. A
larger scan is reduced to that, a smaller one is looked at as it is; then tiles pass the network,
and the mask is drawn at the size of the scan. If asked, what is ``broad`` is also looked for at
halves of that size, down to the smallest that the detector learned on: a loss of a third of the
scan is wider than the network can see from near, and from afar as wide as those that it learned.
Whole skies and robes look like losses there now and then. One step
``finer`` doubles the side at which a scan is looked at: thinner scratches are found, and brush
strokes are mistaken for damage more often. A mask is as exact as what was looked at: in a scan of
4,000 px on the short side its borders are some 8 px from the truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.models.detector import Detector
from artgan.presets import DETECTED, OPAQUE, DamageClass
from artgan.restore.looking import TILE_PX, grown, seen

LEAST_AREA_PX = 4.0
_REFERENCE_SHORT_PX = 512.0
_OPAQUE_ALPHA = 0.5


@dataclass(frozen=True)
class DetectOptions:
    """What to look for, and how sure to be of it.

    Attributes:
        classes: Classes of damage to mark; age cracks and veils only if asked for.
        sure: A region is marked if its probability reaches this somewhere,
        likely: and as far as it stays above this.
        finer: Steps of looking closer than the detector learned to, each at twice the resolution.
        review_above: Fraction of the scan from which a mask is too large to be believed.
        broad: Whether to look from afar as well, for what is broad.
    """

    classes: Sequence[DamageClass] = DETECTED
    sure: float = 0.6
    likely: float = 0.35
    finer: int = 0
    review_above: float = 0.15
    broad: bool = False


@dataclass(frozen=True)
class Detection:
    """What a detector proposes for a scan.

    Attributes:
        mask: Where it takes the scan for damaged, (H, W) bool, at the size of the scan.
        probability: How probable damage of the wanted classes is, (h, w) uint8 with 255 for
            certain, at the resolution that was looked at.
        kinds: The class that is most probable where the mask is set, (h, w) uint8: 0 for none,
            then from 1 on a place in ``classes``.
        classes: The wanted classes.
        damaged_fraction: Fraction of the mask that is set.
        needs_review: Whether that is more than the options let pass.
    """

    mask: np.ndarray
    probability: np.ndarray
    kinds: np.ndarray
    classes: tuple[DamageClass, ...]
    damaged_fraction: float
    needs_review: bool

    def fractions(self) -> dict[str, float]:
        """Return the fraction of the scan that each wanted class covers, most probable first."""
        total = self.kinds.size
        found = {
            kind: float(np.count_nonzero(self.kinds == number) / total)
            for number, kind in enumerate(self.classes, start=1)
        }
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def detect_scan(
    scan: np.ndarray,
    detector: Detector,
    options: DetectOptions = DetectOptions(),
    *,
    size: tuple[int, int] | None = None,
    tile_px: int = TILE_PX,
) -> Detection:
    """Propose a damage mask for a scan.

    Args:
        scan: (H, W, C) uint8 or uint16; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha).
            What is transparent is never damaged. It may be a reduced copy of the scan.
        detector: A trained detector, in evaluation mode.
        options: What to look for.
        size: Height and width of the mask, if ``scan`` is a reduced copy.
        tile_px: Side of a tile, a multiple of 32: a bound of memory and nothing else.

    Returns:
        The proposed mask and what it rests on.

    Raises:
        InvalidInputError: Scan, tile side, thresholds or classes are not of these kinds.
    """
    _check(scan, detector, options)
    height, width = scan.shape[:2]
    short_px = working_short_px(min(height, width), detector.short_side_px, options.finer)
    image, opaque = _working_image(scan, short_px)
    probabilities = _looked_at(image, detector, options, tile_px)
    probabilities *= opaque
    probability = probabilities[0]
    least_px = least_area_px(min(probability.shape))
    found = grown(probability, options.likely, options.sure, least_px)
    kinds = np.where(found, 1 + probabilities[1:].argmax(axis=0), 0).astype(np.uint8)
    mask = enlarged(found, size or (height, width))
    fraction = float(mask.mean())
    codes = np.rint(255.0 * probability).astype(np.uint8)
    return Detection(
        *(mask, codes, kinds, tuple(options.classes), fraction),
        needs_review=fraction > options.review_above,
    )


def class_chances(picture: np.ndarray, detector: Detector) -> np.ndarray:
    """Return how probable each class of a detector is, (K, h, w), at the resolution it looks at.

    Args:
        picture: (H, W, 3) uint8.
        detector: A trained detector, in evaluation mode.
    """
    short_px = working_short_px(min(picture.shape[:2]), detector.short_side_px)
    image, _ = _working_image(picture, short_px)
    return seen(image, detector, TILE_PX, lambda chances: chances[:-1], afar=True)


def _check(scan: np.ndarray, detector: Detector, options: DetectOptions) -> None:
    if scan.ndim != 3 or not 1 <= scan.shape[2] <= 4 or scan.dtype not in (np.uint8, np.uint16):
        raise InvalidInputError(
            f"scan must be uint8 or uint16 of shape (H, W, 1 to 4), got {scan.dtype} {scan.shape}. "
            "Decode it without scaling, and give grey scans one channel."
        )
    unknown = [kind for kind in options.classes if kind not in detector.classes]
    if unknown or not options.classes:
        raise InvalidInputError(
            f"classes must be some of {', '.join(detector.classes)}, got "
            f"{', '.join(options.classes) or 'none'}. Name classes that this detector learned."
        )
    if not 0.0 < options.likely <= options.sure < 1.0:
        raise InvalidInputError(
            f"likely and sure must rise from 0 to 1, got {options.likely} and {options.sure}. "
            "Use 0.35 and 0.6."
        )


def working_short_px(short_px: int, short_side_px: int, finer: int = 0) -> int:
    """Say at which short side a scan is looked at.

    Args:
        short_px: Short side of the scan.
        short_side_px: Longest short side that the detector learned on.
        finer: Steps of looking closer.
    """
    return min(short_px, short_side_px * 2**finer)


def least_area_px(short_px: int) -> float:
    """Return the area of the smallest region that is marked, 4 px at 512 px on the short side.

    Args:
        short_px: Short side of what is looked at. A single pixel is never enough.
    """
    return max(2.0, LEAST_AREA_PX * (short_px / _REFERENCE_SHORT_PX) ** 2)


def _working_image(scan: np.ndarray, short_px: int) -> tuple[Tensor, np.ndarray]:
    """Reduce a scan; return it as (1, 3, h, w) in [0, 1], and what is not transparent, (h, w)."""
    height, width, channels = scan.shape
    peak = float(np.iinfo(scan.dtype).max)
    factor = short_px / min(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size != (width, height):
        scan = cv2.resize(scan, size, interpolation=cv2.INTER_AREA)
    reduced = scan.reshape(size[1], size[0], channels)
    colours = 3 if channels >= 3 else 1
    values = torch.from_numpy(reduced[..., :colours].astype(np.float32)).div_(peak)
    opaque = np.ones(reduced.shape[:2], dtype=np.float32)
    if channels in (2, 4):
        opaque = (reduced[..., -1] >= _OPAQUE_ALPHA * peak).astype(np.float32)
    return values.permute(2, 0, 1)[None].expand(-1, 3, -1, -1), opaque


def _looked_at(
    image: Tensor, detector: Detector, options: DetectOptions, tile_px: int
) -> np.ndarray:
    """Return probabilities (1 + classes, h, w): of the wanted classes together, and of each.

    The probability of damage is that of the union, as far as it is the wanted classes that make
    it up; a veil stands for itself.
    """

    def take(chances: np.ndarray) -> np.ndarray:
        named = dict(zip((*detector.classes, "union"), chances, strict=True))
        return wanted(named, options.classes)

    return seen(image, detector, tile_px, take, afar=options.broad)


def wanted(chances: Mapping[str, np.ndarray], classes: Sequence[DamageClass]) -> np.ndarray:
    """Combine the probabilities of classes.

    Args:
        chances: Probability by class, and of the ``union`` of the opaque classes, (h, w) each.
        classes: The wanted classes.

    Returns:
        (1 + len(classes), h, w): the probability of any of them, then of each.
    """
    each = np.stack([chances[kind] for kind in classes])
    opaque = sum(chances[kind] for kind in OPAQUE if kind in chances)
    chosen = sum(chances[kind] for kind in OPAQUE if kind in classes)
    share = chosen / np.maximum(opaque, 1e-6)
    veils = [chances[kind] for kind in classes if kind not in OPAQUE]
    together = np.max([chances["union"] * share, *veils], axis=0)
    return np.concatenate([together[None], each])


def enlarged(found: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Draw a mask at another size, with smooth borders.

    Args:
        found: (h, w) bool.
        size: Height and width.
    """
    if found.shape == size:
        return found
    codes = found.astype(np.uint8) * 255
    return cv2.resize(codes, size[::-1], interpolation=cv2.INTER_LINEAR) >= 128

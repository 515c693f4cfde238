"""Looking at a picture with a detector: by tiles, from near, and from afar for what is broad."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.models.detector import Detector
from artgan.models.unet import exact_sums

TILE_PX = 256
ALIGN_PX = 32  # as in `artgan.restore.fill`: windows of such sides give equal sums in every tile
BROAD_PX = 7  # side of what is believed from afar; what is narrower is seen better from near
FAR_LIKELY, FAR_SURE = 0.35, 0.95  # a region counts from afar if somewhere it is as sure as that


def seen(
    image: Tensor,
    detector: Detector,
    tile_px: int,
    take: Callable[[np.ndarray], np.ndarray],
    *,
    afar: bool,
) -> np.ndarray:
    """Look at a picture as it is, and at halves of it; return the higher probabilities.

    Args:
        image: (1, 3, h, w) in [0, 1].
        detector: Its ``least_side_px`` says how far halves may go.
        tile_px: Side of a tile.
        take: Makes what is wanted, (C, h, w), of the probabilities (K + 1, h, w) of a tile.
        afar: Whether to look at halves, for what is broad.

    Returns:
        (C, h, w) float32.
    """
    result = _look(image, detector, tile_px, take)
    height, width = image.shape[-2:]
    times = looks_from_afar(min(height, width), detector.least_side_px) if afar else 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (BROAD_PX, BROAD_PX))
    for halvings in range(1, 1 + times):
        size = (round(height / 2**halvings), round(width / 2**halvings))
        far = _look(F.interpolate(image, size, mode="area"), detector, tile_px, take)
        for near, one in zip(result, far, strict=True):
            broad = cv2.morphologyEx(one, cv2.MORPH_OPEN, disc)
            broad[~grown(broad, FAR_LIKELY, FAR_SURE, BROAD_PX**2)] = 0.0
            large = cv2.resize(broad, (width, height), interpolation=cv2.INTER_LINEAR)
            np.maximum(near, large, out=near)
    return result


def looks_from_afar(short_px: int, least_side_px: int | None) -> int:
    """Say how often a picture is halved to look for what is broad.

    Args:
        short_px: Short side of what is looked at from near.
        least_side_px: As of a `Detector`; one that only knows details never looks from afar.
    """
    if least_side_px is None:
        return 0
    return max(0, int(np.log2(max(short_px, 1) / least_side_px)))


def _look(
    image: Tensor, detector: Detector, tile_px: int, take: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    result = np.empty((0, *image.shape[-2:]), dtype=np.float32)
    for (rows, columns), chances in _tiles(image, detector, tile_px):
        part = take(chances)
        if len(result) == 0:
            result = np.empty((len(part), *image.shape[-2:]), dtype=np.float32)
        result[:, rows, columns] = part
    return result


@torch.inference_mode()
def _tiles(
    image: Tensor, detector: Detector, tile_px: int
) -> Iterator[tuple[tuple[slice, slice], np.ndarray]]:
    """Yield rows and columns of each tile with its probabilities (K + 1, h, w).

    A tile's window has a margin as wide as the network can look and ends at the frame, where the
    network pads as it would for the whole frame.
    """
    align_px = max(ALIGN_PX, detector.stride)
    if tile_px < align_px or tile_px % align_px:
        raise InvalidInputError(
            f"tile_px must be a multiple of {align_px}, got {tile_px}. Use {TILE_PX}."
        )
    height, width = image.shape[-2:]
    device = next(detector.parameters()).device
    source = F.pad(image, (0, -width % align_px, 0, -height % align_px), mode="replicate")
    halo = -(-detector.receptive_radius_px // align_px) * align_px
    for top in range(0, height, tile_px):
        for left in range(0, width, tile_px):
            above, before = min(top, halo), min(left, halo)
            window = source[
                ...,
                top - above : top + tile_px + halo,
                left - before : left + tile_px + halo,
            ]
            with exact_sums(device):
                logits = detector(window.to(device))[0].cpu()
            rows, columns = min(tile_px, height - top), min(tile_px, width - left)
            tile = logits[:, above : above + rows, before : before + columns]
            yield (
                (slice(top, top + rows), slice(left, left + columns)),
                torch.sigmoid(tile).numpy(),
            )


def grown(probability: np.ndarray, likely: float, sure: float, least_px: float) -> np.ndarray:
    """Mark regions that are likely throughout, sure somewhere, and not too small.

    Args:
        probability: (h, w) in [0, 1].
        likely: Where a region ends.
        sure: What it must reach.
        least_px: Smallest area, in pixels.

    Returns:
        (h, w) bool.

    References:
        Canny 1986, "A Computational Approach to Edge Detection", section VIII, for the two
        thresholds, https://doi.org/10.1109/TPAMI.1986.4767851
    """
    candidates = (probability >= likely).astype(np.uint8)
    count, labels, facts, _ = cv2.connectedComponentsWithStats(candidates, connectivity=8)
    regions = np.asarray(labels, dtype=np.intp)
    kept = np.zeros(count, dtype=bool)
    kept[regions[probability >= sure]] = True
    kept &= facts[:, cv2.CC_STAT_AREA] >= least_px
    kept[0] = False
    return kept[regions]

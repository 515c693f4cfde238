"""What attacks leave of a detector, of the archive's network and of a discriminator."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.degrade.blind import BlindCrop
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.archive_network import ArchiveNetwork
from artgan.metrics.features import Extractor
from artgan.metrics.intervals import area_under_curve
from artgan.metrics.masks import f1
from artgan.metrics.robustness import attacked, margin, marked_wrongly
from artgan.models.detector import Detector
from artgan.models.simulators import AnyDiscriminator
from artgan.presets import OPAQUE
from artgan.restore.detect import DetectOptions, detect_scan

SEED = 71_000


def attack_detector(detector: Detector, crops: Sequence[BlindCrop]) -> dict[str, float]:
    """Return the F1 of a detector's masks on damaged crops, by the way they were changed."""
    masks = [crop.overlay.union() for crop in crops]
    device = next(detector.parameters()).device
    damaged = torch.from_numpy(np.stack(masks)).float().to(device)

    def loss(images: Tensor) -> Tensor:
        return marked_wrongly(detector(images)[:, -1], damaged)

    images = arrays_to_batch([crop.damaged for crop in crops]).to(device)
    wanted = DetectOptions(OPAQUE)
    found = {}
    for way, changed in attacked(loss, images, SEED).items():
        pictures = batch_to_arrays(changed)
        found[way] = f1([detect_scan(one, detector, wanted).mask for one in pictures], masks)
    return found


def attack_classifier(
    extractor: Extractor, pictures: Sequence[np.ndarray], labels: Sequence[int]
) -> dict[str, float]:
    """Return the share of works whose label is told, by the way they were changed.

    Works are changed at the size at which the network sees them.
    """
    network = extractor.network
    assert isinstance(network, ArchiveNetwork)
    device = next(network.parameters()).device
    seen = torch.cat([extractor.prepare(arrays_to_batch([one])) for one in pictures])
    images, wanted = (seen * 255).round().to(device) / 255, torch.tensor(labels, device=device)

    def loss(moved: Tensor) -> Tensor:
        return margin(network.classify(moved), wanted)

    with torch.no_grad():
        return {
            way: float((loss(changed) <= 0).double().mean())
            for way, changed in attacked(loss, images, SEED).items()
        }


def attack_discriminator(
    discriminator: AnyDiscriminator, real: Tensor, generated: Tensor, label: int | None
) -> dict[str, float]:
    """Return how often real works get the higher score, by the way both sides were changed.

    Real works are changed to look generated, generated ones to look real.
    """

    def score(images: Tensor) -> Tensor:
        labels = None if label is None else torch.full((len(images),), label)
        return discriminator(images, labels)[0].flatten(1).mean(dim=1)

    sides = [(side * 255).round() / 255 for side in (real, generated)]
    lowered = attacked(lambda images: -score(images), sides[0], SEED)
    raised = attacked(score, sides[1], SEED)
    with torch.no_grad():
        return {
            way: area_under_curve(score(lowered[way]).numpy(), score(raised[way]).numpy())
            for way in lowered
        }

"""Trains the archive's own feature network to tell the catalog's labels apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.metrics.archive_network import SIDE_PX, ArchiveNetwork, archive_extractor
from artgan.metrics.features import prepared_batches
from artgan.metrics.robustness import climb, margin
from artgan.models.checkpoint import pack_weights
from artgan.training.crops import check_pictures

LOADED_PX = 72
"""Short side of the pictures that crops of 64 px are cut from."""
STEPS = 200
HARDENED_STEPS = 400
"""Steps of a hardened network: it has more to learn, and each takes more than twice as long."""
_CLIMB_STEPS = 3
_BATCH = 16
_LEARNING_RATE = 3e-3


@dataclass(frozen=True)
class Labelled:
    """Works with the number of their label.

    Attributes:
        pictures: (H, W, 3) uint8, at least 64 px on both sides.
        labels: One number for each, from 0.
    """

    pictures: Sequence[np.ndarray]
    labels: Sequence[int]


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network and what it is worth.

    Attributes:
        content: Its weights, as `archive_extractor` reads them.
        accuracy: Share of held-out works whose label it tells, in [0, 1].
        guess: The share that naming the most frequent label always would tell.
    """

    content: bytes
    accuracy: float
    guess: float


def train_archive_network(  # noqa: PLR0913 - the last one by name
    train: Labelled,
    held_out: Labelled,
    names: Sequence[str],
    seed: int = 0,
    steps: int = STEPS,
    observe: Callable[[int], None] = lambda _: None,
    *,
    codes: int = 0,
) -> TrainedNetwork:
    """Train to tell labels apart, every label drawn equally often; a quarter of a minute on a core.

    A network that is hardened learns from pictures that are changed against it within a bound,
    which grows over the first half of the training: one that meets the whole bound at once only
    guesses. Differs from the paper by that, and by the margin in place of the cross entropy in
    what is climbed.

    Args:
        train: Works to learn from, each label at least once.
        held_out: Works to measure on.
        names: What the labels are called.
        seed: Of weights, crops and order; the same on one machine gives the same bytes.
        steps: Optimisation steps of 16 mirrored crops.
        observe: Called with the number of steps done.
        codes: Bound to harden within, in codes of 255; 0 does not harden.

    Raises:
        InvalidInputError: A set is empty, a picture is too small, or a label has no work.

    References:
        Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks",
        section 2, https://arxiv.org/abs/1706.06083
    """
    check_pictures("train", train.pictures, SIDE_PX)
    check_pictures("held_out", held_out.pictures, SIDE_PX)
    rng, starts = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ArchiveNetwork(len(names))
    optimizer = torch.optim.AdamW(network.parameters(), _LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    by_label = [np.flatnonzero(np.asarray(train.labels) == n) for n in range(len(names))]
    if not all(len(numbers) for numbers in by_label):
        raise InvalidInputError("train must hold a work of each label, got a label without one.")
    for step in range(steps):
        labels = rng.integers(len(names), size=_BATCH)
        crops = [_crop(train.pictures[rng.choice(by_label[label])], rng) for label in labels]
        images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255.0
        wanted = torch.from_numpy(labels)
        if codes:
            bound = codes * min(1.0, 2 * (step + 1) / steps)
            images = _against(network, images, wanted, bound, starts)
        loss = F.cross_entropy(network.classify(images), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        observe(step + 1)
    content = pack_weights({"archive": network}, {"labels": list(names)})
    known = np.asarray(held_out.labels)
    return TrainedNetwork(
        content,
        accuracy=float(np.mean(_told(content, held_out.pictures) == known)),
        guess=float(np.bincount(known).max() / len(known)),
    )


def _against(
    network: ArchiveNetwork, images: Tensor, labels: Tensor, codes: float, starts: torch.Generator
) -> Tensor:
    """Change pictures against the network as it is now."""

    def loss(moved: Tensor) -> Tensor:
        return margin(network.classify(moved), labels)

    return climb(loss, images, codes, _CLIMB_STEPS, starts)


def _crop(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top, left = (int(rng.integers(side - SIDE_PX + 1)) for side in picture.shape[:2])
    crop = picture[top : top + SIDE_PX, left : left + SIDE_PX]
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _told(content: bytes, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Return the label that the network as it is stored gives to each picture."""
    extractor = archive_extractor(content)
    network = extractor.network
    assert isinstance(network, ArchiveNetwork)
    batches = prepared_batches(extractor, pictures, _BATCH)
    scores = [extractor.embed_by(network.classify, batch) for batch in batches]
    return torch.cat(scores).argmax(dim=1).numpy()

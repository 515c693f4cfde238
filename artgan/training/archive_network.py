"""Trains the archive's own feature network to tell the catalog's labels apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from artgan.errors import InvalidInputError
from artgan.metrics.archive_network import SIDE_PX, ArchiveNetwork, archive_extractor
from artgan.metrics.features import prepared_batches
from artgan.models.checkpoint import pack_weights
from artgan.training.crops import check_pictures

LOADED_PX = 72
"""Short side of the pictures that crops of 64 px are cut from."""
STEPS = 200
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


def train_archive_network(
    train: Labelled,
    held_out: Labelled,
    names: Sequence[str],
    seed: int = 0,
    steps: int = STEPS,
    observe: Callable[[int], None] = lambda _: None,
) -> TrainedNetwork:
    """Train to tell labels apart, every label drawn equally often; a quarter of a minute on a core.

    Args:
        train: Works to learn from, each label at least once.
        held_out: Works to measure on.
        names: What the labels are called.
        seed: Of weights, crops and order; the same on one machine gives the same bytes.
        steps: Optimisation steps of 16 mirrored crops.
        observe: Called with the number of steps done.

    Raises:
        InvalidInputError: A set is empty, a picture is too small, or a label has no work.
    """
    check_pictures("train", train.pictures, SIDE_PX)
    check_pictures("held_out", held_out.pictures, SIDE_PX)
    rng = np.random.default_rng(seed)
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
        loss = F.cross_entropy(network.classify(images), torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        observe(step + 1)
    content = pack_weights({"archive": network}, {"labels": list(names)})
    wanted = np.asarray(held_out.labels)
    return TrainedNetwork(
        content,
        accuracy=float(np.mean(_told(content, held_out.pictures) == wanted)),
        guess=float(np.bincount(wanted).max() / len(wanted)),
    )


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

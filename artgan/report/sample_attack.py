"""What an attacker looks at who has samples of a generator, or its discriminator."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from artgan.imaging.tensors import batch_to_arrays
from artgan.metrics.features import Extractor, extract
from artgan.metrics.membership import Space
from artgan.metrics.memorisation import pixel_features
from artgan.models.simulators import AnyDiscriminator, AnyGenerator, sample
from artgan.training.squares import scale_work, square

SEED = 61_000
SAMPLES = 1024
SIDE_PX = 32
"""Side at which a network looks for copies: there are thousands of looks, which see shapes."""
_VIEWS = (0.0, 0.5, 1.0)
_BATCH = 64


def views_of(pictures: Sequence[np.ndarray], size_px: int) -> list[Tensor]:
    """Cut three squares along each work, as trainings see works: (N, 3, size, size) for each."""
    works = [scale_work(picture, size_px) for picture in pictures]
    return [torch.stack([square(work, at) for work in works]) for at in _VIEWS]


def samples_of(generator: AnyGenerator, label: int | None, count: int | None = None) -> Tensor:
    """Draw the samples that an attacker looks through: (count, 3, size, size), 1,024 by default."""
    seeds = range(SEED, SEED + (count or SAMPLES))
    batches = [
        sample(generator, seeds[start : start + _BATCH], label=label)
        for start in range(0, len(seeds), _BATCH)
    ]
    return torch.cat(batches)


def spaces_of(
    views: Sequence[Tensor], generated: Tensor, n_members: int, extractor: Extractor
) -> list[Space]:
    """Features of views and samples by the network, and the pixels."""
    arrays = [*(batch_to_arrays(view) for view in views), batch_to_arrays(generated)]

    def by_network(pictures: Sequence[np.ndarray]) -> np.ndarray:
        return extract(extractor, pictures)

    spaces = []
    for features in (by_network, pixel_features):
        *seen, made = (features(pictures) for pictures in arrays)
        works = np.stack(seen)
        spaces.append(Space(works[:, :n_members], works[:, n_members:], made))
    return spaces


@torch.no_grad()
def judgements(discriminator: AnyDiscriminator, images: Tensor, label: int | None) -> np.ndarray:
    """Return what a discriminator thinks of works, (N,); high for real."""
    scores = []
    for batch in images.split(_BATCH):
        labels = None if label is None else torch.full((len(batch),), label)
        logits, _ = discriminator(batch, labels)
        scores.append(logits.flatten(1).mean(dim=1))
    return torch.cat(scores).double().numpy()

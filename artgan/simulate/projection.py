"""Where a real work lies in what a generator knows: the nearest work that it can make."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.models.latents import starts
from artgan.models.simulators import AnyGenerator, device_of

STEPS = 150
_TRIED = 256
_BATCH = 32
_RATE = 0.1
_TYPICAL_WEIGHT = 0.01
_STEADY = 1e-6


@dataclass(frozen=True)
class Projection:
    """The nearest work.

    Attributes:
        picture: (size, size, 3) uint8, made by the generator without noise.
        start: What it is made from: styles, or the first map, without the batch.
        rms: Root of the mean squared difference to the real work, in 8-bit levels.
        rms_before: The same for the nearest of 256 works that were not fitted.
        unusualness: Root mean square of the start's distance to the mean start in standard
            deviations: 1 is usual; far more means that the generator had to be forced.
    """

    picture: np.ndarray
    start: Tensor
    rms: float
    rms_before: float
    unusualness: float


def project(
    generator: AnyGenerator, picture: np.ndarray, steps: int = STEPS, label: int | None = None
) -> Projection:
    """Find the start from which a generator comes nearest to a picture.

    Differs from the paper: compared by colours at several sizes, for which no network is needed;
    the search begins at the nearest of 256 works; starts further out than usual cost.

    Args:
        generator: Trained generator, without gradients of its own.
        picture: (size, size, 3) uint8, as large as the generator's works.
        steps: Steps of the search.
        label: Class among whose starts to search, where the generator has classes.

    References:
        Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", app. D,
        https://arxiv.org/abs/1912.04958
    """
    device = device_of(generator)
    target = arrays_to_batch([picture]).to(device)
    noise = [torch.zeros_like(one).to(device) for one in generator.draw(1)[1]]
    known = starts(generator, device, label)
    center, spread = known.mean(dim=0), known.std(dim=0)
    free = spread > _STEADY  # the rest says which class it is
    begun = _nearest(generator, known[:_TRIED], target, noise)
    start = begun.clone().requires_grad_()
    start.register_hook(lambda gradient: gradient * free)
    optimizer = torch.optim.Adam([start], lr=_RATE * float(spread.mean()))
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _RATE * float(spread.mean()) * (1 - step / steps)
        unusual = ((start - center)[:, free] / spread[free]).square().mean()
        forced = _TYPICAL_WEIGHT * F.relu(unusual - 1)
        loss = _distance(generator.finish(start, noise), target) + forced
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        found = generator.finish(start, noise)
        before = generator.finish(begun, noise)
        unusual = ((start - center)[:, free] / spread[free]).square().mean().sqrt()
    return Projection(
        picture=batch_to_arrays(found)[0],
        start=start.detach()[0].cpu(),
        rms=_rms(found, target),
        rms_before=_rms(before, target),
        unusualness=float(unusual),
    )


@torch.no_grad()
def _nearest(generator: AnyGenerator, known: Tensor, target: Tensor, noise: list[Tensor]) -> Tensor:
    distances = []
    for batch in known.split(_BATCH):
        works = generator.finish(batch, [one.expand(len(batch), -1, -1, -1) for one in noise])
        distances += [_distance(work[None], target) for work in works]
    return known[int(torch.stack(distances).argmin())][None]


def _distance(works: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference at full, half and quarter size, added up."""
    difference = works - target
    sizes = [difference, F.avg_pool2d(difference, 2), F.avg_pool2d(difference, 4)]
    return torch.stack([one.square().mean() for one in sizes]).sum()


def _rms(works: Tensor, target: Tensor) -> float:
    return 255 * float((works - target).square().mean().sqrt())

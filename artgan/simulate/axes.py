"""What a generator can be turned along: its codes if it has any, else its main directions."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.imaging.tensors import batch_to_arrays
from artgan.models.latents import starts
from artgan.models.simulators import AnyGenerator, device_of, drawn

COLUMNS = 7
DIRECTIONS = 6
_REACH = 2.5
_KNOWN = 256
_SMALL_PX = 32


def axes(
    generator: AnyGenerator, seed: int, label: int | None = None
) -> dict[str, list[np.ndarray]]:
    """Make a row of works for each axis of a generator, by the axis' name.

    A row along a continuous code turns it from -1 to 1 in one work; a row of a mode shows seven
    works in that mode. A generator without codes is turned along the directions in which its
    works vary most, from -2.5 to 2.5 standard deviations.

    Args:
        generator: Trained generator.
        seed: Of the work that is turned; modes show those of the seeds that follow as well.
        label: Class of the works, where the generator has classes.

    Returns:
        Rows of ``COLUMNS`` pictures (size, size, 3) uint8.

    References:
        Chen et al. 2016, "InfoGAN", fig. 2, https://arxiv.org/abs/1606.03657; Härkönen et al.
        2020, "GANSpace", section 2, https://arxiv.org/abs/2004.02546
    """
    latents = generator.latents
    if not latents.coded:
        return _directions(generator, seed, label)
    z, noise = drawn(generator, [seed], label)
    rows = {}
    for code in range(latents.continuous):
        turned = [latents.turned(z, code, value) for value in np.linspace(-1, 1, COLUMNS)]
        rows[f"axis {code + 1}"] = _row(generator, turned, noise)
    for mode in range(latents.modes):
        seeds = range(seed, seed + COLUMNS)
        each = [drawn(generator, [one], label) for one in seeds]
        rows[f"mode {mode + 1}"] = [
            picture
            for one, its_noise in each
            for picture in _row(generator, [latents.switched(one, mode)], its_noise)
        ]
    return rows


def _row(generator: AnyGenerator, latents: list[Tensor], noise: list[Tensor]) -> list[np.ndarray]:
    return _pictures(latents, lambda z: generator(z, noise))


@torch.no_grad()
def _pictures(inputs: list[Tensor], paint: Callable[[Tensor], Tensor]) -> list[np.ndarray]:
    return [batch_to_arrays(paint(one))[0] for one in inputs]


@torch.no_grad()
def _directions(
    generator: AnyGenerator, seed: int, label: int | None
) -> dict[str, list[np.ndarray]]:
    z, noise = drawn(generator, [seed], label)
    start = generator.begin(z, noise)
    known = starts(generator, device_of(generator), label)[:_KNOWN]
    works = [
        F.adaptive_avg_pool2d(generator.finish(one[None], noise), _SMALL_PX)[0] for one in known
    ]
    rows = {}
    for number, way in enumerate(main_directions(known, torch.stack(works), DIRECTIONS)):
        steps = [start + value * way for value in np.linspace(-_REACH, _REACH, COLUMNS)]
        rows[f"direction {number + 1}"] = _pictures(steps, lambda one: generator.finish(one, noise))
    return rows


def main_directions(known: Tensor, works: Tensor, count: int) -> Tensor:
    """Find the directions of starts along which works vary most.

    The principal components of the works, and for each the mean change of the start that goes
    with a change of one standard deviation along it. Differs from GANSpace, which takes the
    components of the starts themselves: those say little where starts vary in hundreds of
    directions alike, as first maps do.

    Args:
        known: N starts (N, ...).
        works: What they became, (N, 3, H, W).
        count: Number of directions, less than N.

    Returns:
        (count, 1, ...), the widest first; along each, works become brighter.
    """
    pixels = works.flatten(1).double()
    pixels = pixels - pixels.mean(dim=0)
    flat = known.flatten(1).double()
    # Of the N x N products, because a work may have more pixels than there are works.
    _, scores = torch.linalg.eigh(pixels @ pixels.T)
    scores = scores[:, -count:].flip(1) * (len(known) - 1) ** 0.5  # one standard deviation each
    scores = scores * (scores.T @ pixels.mean(dim=1)).sign()
    ways = scores.T @ (flat - flat.mean(dim=0)) / (len(known) - 1)
    return ways.to(known.dtype).unflatten(1, known.shape[1:])[:, None]

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from artgan.models.pieces import cheapest_path, continued, lay, piece_side


def waves(height=48, width=60, seed=0):
    """Soft noise in colours."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    soft = F.avg_pool2d(F.pad(noise, (2, 2, 2, 2), mode="reflect"), 5, stride=1)[0]
    return ((soft - 0.5) * 3 + 0.5).clamp(0, 1)


def blurred(work):
    return F.avg_pool2d(F.pad(work[None], (1, 1, 1, 1), mode="replicate"), 3, stride=1)[0]


def laid(sketch, *works, side=16):
    return lay(sketch, works, [blurred(work) for work in works], side)


def test_every_pixel_is_the_one_of_a_work_that_the_origin_names():
    works = waves(seed=1), waves(40, 44, seed=2)
    found = laid(waves(50, 70, seed=3), *works)
    pixels = torch.cat([work.flatten(1) for work in works], dim=1)
    named = pixels[:, torch.from_numpy(found.origin).flatten()]
    assert torch.equal(named.view(3, 50, 70), found.texture)
    assert found.origin.min() < 48 * 60 <= found.origin.max()


def test_pieces_follow_the_sketch():
    dark, light = waves(seed=1) * 0.4, 0.6 + waves(seed=2) * 0.4
    sketch = torch.cat([torch.full((3, 64, 48), 0.2), torch.full((3, 64, 48), 0.8)], dim=2)
    brightness = laid(sketch, dark, light).texture.mean(dim=(0, 1))
    assert brightness[8:40].mean() < 0.3
    assert brightness[56:88].mean() > 0.7


def test_pieces_from_everywhere_are_used_where_the_sketch_says_nothing():
    work = waves(64, 64)
    found = laid(torch.full((3, 160, 160), 0.5), work)
    rows, columns = np.divmod(found.origin, 64)
    used = np.histogram2d(rows.ravel(), columns.ravel(), bins=4, range=[[0, 64], [0, 64]])[0]
    inner = used[1:3, 1:3]
    assert inner.min() > 0.4 * inner.mean()
    assert used.min() > 0


def test_steps_between_pieces_are_little_larger_than_within():
    found = laid(torch.full((3, 64, 72), 0.5), waves(seed=1))
    texture = torch.cat([found.texture, found.texture[:, :, :1]], dim=2)  # across the border
    origin = np.concatenate([found.origin, found.origin[:, :1]], axis=1)
    steps = texture.diff(dim=2).abs().mean(dim=0)
    within = torch.from_numpy(np.diff(origin, axis=1) == 1)
    assert 0.5 < within.double().mean() < 0.99
    at_random = (found.texture - found.texture.roll((17, 23), (1, 2))).abs().mean()
    assert steps[~within].mean() < 0.8 * at_random


def test_the_cheapest_path_is_the_one_that_trying_all_finds():
    error = np.random.default_rng(0).random((6, 4)).astype(np.float32)
    costs = {}
    for first, *turns in product(range(4), *[(-1, 0, 1)] * 5):
        path = np.cumsum([first, *turns])
        if path.min() >= 0 and path.max() < 4:
            costs[tuple(path)] = error[np.arange(6), path].sum()
    kept = error.copy()
    assert tuple(cheapest_path(error)) == min(costs, key=costs.get)
    assert np.array_equal(error, kept)


def test_what_continues_as_in_the_work_is_counted():
    assert continued(np.array([[5, 6, 7], [1, 3, 4]])) == pytest.approx(3 / 4)


def test_pieces_are_a_third_of_the_least_side_in_fours_up_to_32():
    sides = {least: piece_side([torch.zeros(3, least, 200)]) for least in (12, 40, 60, 96, 384)}
    assert sides == {12: 4, 40: 12, 60: 20, 96: 32, 384: 32}

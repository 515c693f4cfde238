"""Windows that the network works on, and levels that are made where they are looked at."""

import numpy as np
import pytest
import torch

from artgan.imaging.canvas import ArrayCanvas, Window
from artgan.models.prefill import push_pull
from artgan.restore.pyramid import ScanLevel, holes_by_cell, tiles


def scattered(seed, share):
    return np.random.default_rng(seed).random((37, 53)) < share


@pytest.mark.parametrize("halo_px", [0, 64])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.7])
def test_windows_hold_every_hole_once_and_none_is_larger_than_a_tile(share, halo_px):
    for tile_px in (32, 128, 512):
        cells = scattered(tile_px, share)
        seen = np.zeros_like(cells, int)
        for window in tiles(cells, tile_px, halo_px):
            assert max(window.size) <= tile_px
            assert {side % 32 for side in (window.top, window.bottom, window.left)} == {0}
            rows, columns = (slice(one.start // 32, one.stop // 32) for one in window.slices)
            seen[rows, columns] += 1
        assert seen.max() <= 1
        assert seen[cells].all()


def test_scattered_damage_is_worked_on_in_small_windows():
    def worked_on(halo_px):
        found = tiles(cells, 512, halo_px)
        return sum((w.size[0] + 128) * (w.size[1] + 128) for w in found)

    cells = np.eye(16, dtype=bool)  # a scratch from corner to corner of a tile
    assert worked_on(64) < 0.7 * worked_on(0)
    cells = np.zeros((16, 16), bool)
    cells[0, 0] = cells[15, 15] = True  # two specks far apart
    assert worked_on(64) == 2 * 160**2
    cells[:] = True  # nothing to gain
    assert worked_on(64) == 640**2


@pytest.mark.parametrize("size", [(1, 1), (33, 65), (257, 130)])
def test_windows_of_a_start_are_those_of_push_pull(size):
    rng = np.random.default_rng(0)
    scan = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    lost = rng.random(size) < 0.4
    lost[: size[0] // 2, size[1] // 3 : size[1] // 2] = True
    lost[0, 0] = False
    made = []

    def canvas(shape, dtype):
        made.append(shape)
        return ArrayCanvas(np.zeros(shape, dtype))

    effective = ArrayCanvas(lost[..., None].astype(np.uint8))
    level = ScanLevel(*(ArrayCanvas(scan), effective, holes_by_cell(lost), lambda *_: None, canvas))
    images = torch.from_numpy(scan.astype(np.float32)).div(255).permute(2, 0, 1)[None]
    whole = push_pull(images, torch.from_numpy(lost)[None, None].float())
    for window in (
        Window(0, *size[:1], 0, size[1]),
        Window(size[0] // 3, size[0], 0, size[1] // 2 + 1),
    ):
        values, known = level.started(window)
        assert torch.equal(values, whole[(..., *window.slices)])
        assert np.array_equal(known[0, 0].numpy() == 0, lost[window.slices])
    assert all(max(shape[:2]) < max(size) for shape in made) or size == (1, 1)

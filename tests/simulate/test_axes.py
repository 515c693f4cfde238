import numpy as np
import pytest
import torch

from artgan.models.simulators import make_generator
from artgan.presets import SimulationPreset
from artgan.simulate.axes import COLUMNS, DIRECTIONS, axes, main_directions


def generator(network="skip", **codes):
    torch.manual_seed(0)
    preset = SimulationPreset(16, 8, 16, 8, network=network, **codes)
    return make_generator(preset).eval().requires_grad_(requires_grad=False)


def test_codes_and_modes_have_a_row_each():
    rows = axes(generator(continuous=2, modes=3), seed=0)
    assert list(rows) == ["axis 1", "axis 2", "mode 1", "mode 2", "mode 3"]
    for row in rows.values():
        assert len(row) == COLUMNS
        assert all(not np.array_equal(one, row[0]) for one in row[1:])
    # one seed is the same work in other modes, not another work
    first = [rows[f"mode {mode}"][0].astype(int) for mode in (1, 2, 3)]
    others = [rows["mode 1"][n].astype(int) for n in range(1, COLUMNS)]
    assert abs(first[0] - first[1]).mean() < np.mean([abs(first[0] - o).mean() for o in others])


@pytest.mark.parametrize("network", ["skip", "style", "dcgan"])
def test_a_generator_without_codes_is_turned_along_its_directions(network):
    rows = axes(generator(network), seed=3)
    assert len(rows) == DIRECTIONS
    spreads = [np.stack(row).astype(float).std(axis=0).mean() for row in rows.values()]
    assert spreads[0] > 0
    assert len({row[COLUMNS // 2].tobytes() for row in rows.values()}) == 1  # the work itself


def test_the_widest_directions_of_a_linear_painter_are_found():
    torch.manual_seed(0)
    known = torch.randn(4000, 6)
    known[:, 0] *= 3
    painter = torch.zeros(6, 3, 2, 2)
    painter[0] = 1  # the first number is brightness, the second one pixel's red
    painter[1, 0, 0, 0] = 1
    works = torch.einsum("nk,kchw->nchw", known, painter)
    first, second = main_directions(known[:600], works[:600], 2)
    assert first[0, 0].item() == pytest.approx(3.0, abs=0.3)
    assert first[0, 1:].abs().max() < 0.3
    assert abs(second[0, 1].item()) == pytest.approx(1.0, abs=0.2)

import pytest
import torch
from torch import nn

from artgan.training.ema import make_ema, update_ema, warming_decay


def test_the_average_moves_by_its_share_and_leaves_the_network_alone():
    network = nn.Linear(1, 1)
    nn.init.constant_(network.weight, 1.0)
    ema = make_ema(network)
    nn.init.constant_(network.weight, 3.0)
    update_ema(ema, network, 0.75)
    assert float(ema.weight) == pytest.approx(1.5)
    assert float(network.weight.detach()) == 3.0
    assert not ema.weight.requires_grad


def test_buffers_are_copied():
    network = nn.BatchNorm2d(2)
    ema = make_ema(network)
    network(torch.rand(4, 2, 3, 3))
    update_ema(ema, network, 0.9)
    assert torch.equal(ema.running_mean, network.running_mean)
    assert not ema.training


def test_an_average_that_warms_up_forgets_its_start_soon():
    decays = [warming_decay(step, 0.995) for step in range(3000)]
    assert decays[0] == 0.1
    assert decays == sorted(decays)
    assert decays[-1] == 0.995
    left = 1.0
    for decay in decays[:30]:
        left *= decay
    assert left < 1e-6

import pytest
import torch
from torch import nn

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import pack_weights
from artgan.training.state import Position, pack_state, restore_state


def trained(seed, channels=4):
    torch.manual_seed(seed)
    network = nn.Conv2d(3, channels, 3).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3 * (seed + 1))
    network(torch.rand(1, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    return network, optimizer


def test_networks_optimizers_and_position_come_back_exactly():
    network, optimizer = trained(0)
    position = Position(17, ({"step": 10, "db": 20.1}, {"step": 17, "db": 1 / 3}), 1)
    data = pack_state({"a": network}, {"a": optimizer}, position)
    other, other_optimizer = trained(1)
    assert restore_state(data, {"a": other}, {"a": other_optimizer}) == position
    assert torch.equal(other.weight, network.weight)
    kept, restored = optimizer.state_dict(), other_optimizer.state_dict()
    assert restored["param_groups"] == kept["param_groups"]
    for index, values in kept["state"].items():
        for key, value in values.items():
            assert torch.equal(restored["state"][index][key], value), key


def test_an_optimizer_that_has_not_stepped_yet_is_kept_too():
    network = nn.Conv2d(1, 1, 1)
    optimizer = torch.optim.Adam(network.parameters())
    data = pack_state({"a": network}, {"a": optimizer}, Position())
    assert restore_state(data, {"a": network}, {"a": optimizer}) == Position()
    assert optimizer.state_dict()["state"] == {}


def test_other_bytes_and_other_networks_are_refused():
    network, optimizer = trained(0)
    with pytest.raises(CorruptAssetError, match="format"):
        restore_state(pack_weights({"a": network}, {}), {"a": network}, {"a": optimizer})
    data = pack_state({"a": network}, {"a": optimizer}, Position())
    larger, larger_optimizer = trained(0, channels=8)
    with pytest.raises(CorruptAssetError, match="must fit"):
        restore_state(data, {"a": larger}, {"a": larger_optimizer})
    with pytest.raises(CorruptAssetError, match="safetensors"):
        restore_state(data[: len(data) // 2], {"a": network}, {"a": optimizer})

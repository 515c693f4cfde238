import pickle

import pytest
import torch
from torch import nn

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import (
    load_network,
    pack_weights,
    tensors_to_bytes,
    unpack_weights,
)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


def test_weights_and_settings_come_back_as_they_were():
    settings = {"kind": "restoration", "preset": {"widths": [16, 32]}, "rate": 1e-3}
    states, back = unpack_weights(pack_weights({"a": network(), "b": network()}, settings))
    assert back == settings
    assert set(states) == {"a", "b"}
    for name, tensor in network().state_dict().items():
        assert torch.equal(states["a"][name], tensor)
        assert states["a"][name].dtype == tensor.dtype


def test_equal_weights_give_equal_bytes():
    assert pack_weights({"a": network()}, {"x": 1}) == pack_weights({"a": network()}, {"x": 1})


def test_networks_that_share_weights_are_kept_apart():
    shared = network()
    states, _ = unpack_weights(pack_weights({"a": shared, "b": shared}, {}))
    assert torch.equal(states["a"]["0.weight"], states["b"]["0.weight"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not weights",
        pickle.dumps({"a": 1}),
        pack_weights({"a": network()}, {})[:-10],
        tensors_to_bytes({"a.b": torch.zeros(2)}, {"format": "another"}),
        tensors_to_bytes({"a.b": torch.zeros(2)}, {}),
    ],
)
def test_anything_else_is_refused(data):
    with pytest.raises(CorruptAssetError, match="weights must be"):
        unpack_weights(data)


def test_weights_that_do_not_fit_are_refused_and_named():
    with pytest.raises(CorruptAssetError, match=r"0\.weight"):
        load_network(network(), nn.Sequential(nn.Conv2d(3, 5, 3)).state_dict())

"""Files of weights under the names and of the form of those that ArtFID is measured with."""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models import alexnet
from torchvision.models.inception import inception_v3

_WIDTHS = (64, 192, 384, 256, 256)


def write_art_weights(folder: Path) -> None:
    """Write all three files; their weights are drawn, always the same."""
    rng = np.random.default_rng(0)
    backbone = {}
    for name, value in alexnet(weights=None).state_dict().items():
        if name.startswith("features."):
            deviation = np.sqrt(2 / max(1, np.prod(value.shape[1:])))
            drawn = rng.normal(0, deviation, tuple(value.shape))
            backbone[name] = torch.from_numpy(drawn.astype(np.float32))
    rng = np.random.default_rng(3)
    heads = {
        f"lin{n}.model.1.weight": torch.from_numpy(rng.random((1, wide, 1, 1)).astype(np.float32))
        for n, wide in enumerate(_WIDTHS)
    }
    torch.save(backbone, folder / "alexnet-owt-7be5be79.pth")
    torch.save(heads, folder / "alex.pth")
    torch.manual_seed(0)
    network = inception_v3(weights=None, num_classes=7, init_weights=True)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0  # knows its inputs after one batch
    with torch.no_grad():
        network.train()(torch.rand(4, 3, 299, 299))
    torch.save(network.state_dict(), folder / "art_inception.pth")

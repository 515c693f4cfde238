"""The Inception network of the FID: torchvision's Inception v3 with the pooling of 2015.

The weights were trained by Google with TensorFlow. Their graph differs from the published
network in three ways: 1008 classes, averages that leave the padding out of the count, and a
maximum instead of an average in the pooling branch of the very last block.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.inception import Inception3, InceptionA, InceptionC, InceptionE

from artgan.metrics.weights_file import fill, read_tensors
from artgan.weights import INCEPTION

FEATURES = 2048
STAGES = (
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "maxpool1",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "maxpool2",
    "Mixed_5b",
    "Mixed_5c",
    "Mixed_5d",
    "Mixed_6a",
    "Mixed_6b",
    "Mixed_6c",
    "Mixed_6d",
    "Mixed_6e",
    "Mixed_7a",
    "Mixed_7b",
    "Mixed_7c",
)
_MAPS = ("maxpool1", "maxpool2", "Mixed_5d")


def _mean_without_padding(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, kernel_size=3, stride=1, padding=1)


class FidInceptionA(InceptionA):
    """Block at 35 x 35: its pooling branch averages without the padding."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        narrow = self.branch5x5_2(self.branch5x5_1(x))
        wide = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return [self.branch1x1(x), narrow, wide, self.branch_pool(_mean_without_padding(x))]


class FidInceptionC(InceptionC):
    """Block at 17 x 17: its pooling branch averages without the padding."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        once = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return [self.branch1x1(x), once, twice, self.branch_pool(_mean_without_padding(x))]


class FidInceptionE(InceptionE):
    """Block at 8 x 8.

    Args:
        in_channels: Channels that come in.
        maximum: Whether the pooling branch takes the maximum, as the last block does.
    """

    def __init__(self, in_channels: int, *, maximum: bool) -> None:
        super().__init__(in_channels)
        self.pool = _maximum if maximum else _mean_without_padding

    def _forward(self, x: Tensor) -> list[Tensor]:
        near = self.branch3x3_1(x)
        far = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return [
            self.branch1x1(x),
            torch.cat([self.branch3x3_2a(near), self.branch3x3_2b(near)], dim=1),
            torch.cat([self.branch3x3dbl_3a(far), self.branch3x3dbl_3b(far)], dim=1),
            self.branch_pool(self.pool(x)),
        ]


def inception_layout() -> Inception3:
    """Build the 2015 network with untrained weights; its names are those of the weights file."""
    # the constructor warns unless told whether to draw weights; ours are always loaded
    network = Inception3(num_classes=1008, aux_logits=False, init_weights=False)
    for name, channels, pool_features in (
        ("Mixed_5b", 192, 32),
        ("Mixed_5c", 256, 64),
        ("Mixed_5d", 288, 64),
    ):
        setattr(network, name, FidInceptionA(channels, pool_features))
    for name, channels_7x7 in (
        ("Mixed_6b", 128),
        ("Mixed_6c", 160),
        ("Mixed_6d", 160),
        ("Mixed_6e", 192),
    ):
        setattr(network, name, FidInceptionC(768, channels_7x7))
    network.Mixed_7b = FidInceptionE(1280, maximum=False)
    network.Mixed_7c = FidInceptionE(2048, maximum=True)
    return network


class InceptionFeatures(nn.Module):
    """Features of an Inception v3: the mean over positions after its last block.

    Args:
        layout: The network, with its weights.
    """

    def __init__(self, layout: Inception3) -> None:
        super().__init__()
        self.stages = nn.ModuleDict({name: layout.get_submodule(name) for name in STAGES})
        self.eval().requires_grad_(requires_grad=False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps of three early stages: (B, 64 | 192 | 288, h, w)."""
        found = []
        x = images
        for name, stage in self.stages.items():
            x = stage(x)
            if name in _MAPS:
                found.append(x)
            if name == _MAPS[-1]:
                break
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map prepared images (B, 3, H, W), sides at least 75, to features (B, 2048)."""
        x = images
        for stage in self.stages.values():
            x = stage(x)
        return x.mean(dim=(2, 3))


class FidInception(InceptionFeatures):
    """Features of the FID, of images of 299 x 299.

    Args:
        weights: A tensor for each name of the 2015 file (472 of them).

    Raises:
        CorruptAssetError: A name is missing or unknown, or a shape differs.

    References:
        Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
        Nash Equilibrium", https://arxiv.org/abs/1706.08500
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        layout = inception_layout()
        fill(layout, INCEPTION, weights)
        super().__init__(layout)


def load_inception(path: Path) -> FidInception:
    """Build the network from a weights file, without running any code that the file may hold.

    Args:
        path: A file written by ``torch.save``; its sha256 is the caller's to check.

    Raises:
        CorruptAssetError: The file is no such dictionary of tensors, or it does not fit.
    """
    return FidInception(read_tensors(INCEPTION, path))

"""The first eight convolutions of VGG-19: the trained stand-in where the FID network is absent."""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from artgan.errors import CorruptAssetError

_BLOCKS = ((64, 64), (128, 128), (256, 256, 256, 256))
# what torchvision's ImageNet networks subtract and divide by, for R, G and B in [0, 1]
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def _blocks() -> list[nn.Sequential]:
    blocks, channels_in = [], 3
    for widths in _BLOCKS:
        layers: list[nn.Module] = [nn.MaxPool2d(2)] if blocks else []
        for width in widths:
            layers += [nn.Conv2d(channels_in, width, kernel_size=3, padding=1), nn.ReLU()]
            channels_in = width
        blocks.append(nn.Sequential(*layers))
    return blocks


class Vgg19Conv34(nn.Module):
    """VGG-19 up to conv3_4 and its ReLU; it sees texture and colour, hardly objects.

    Args:
        weights: ``features.<n>.weight`` and ``.bias`` in torchvision's numbering, 16 tensors.

    Raises:
        CorruptAssetError: A name is missing or unknown, or a shape differs.

    References:
        Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition", https://arxiv.org/abs/1409.1556
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_blocks())
        flat = nn.Sequential(*(layer for block in _sequentials(self.blocks) for layer in block))
        _load(flat, weights)
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None])
        self.register_buffer("std", torch.tensor(_STD)[:, None, None])
        self.eval().requires_grad_(requires_grad=False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps after relu1_2, relu2_2 and relu3_4: (B, 64 | 128 | 256, h, w)."""
        found = []
        x = (images - self.mean) / self.std
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found

    def relu3_1(self, images: Tensor) -> Tensor:
        """Return the map after the first convolution of the third block: (B, 256, H/4, W/4)."""
        first, second, third = _sequentials(self.blocks)
        x = second(first((images - self.mean) / self.std))
        return third[:3](x)  # halving, convolution, ReLU

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [0, 1], H and W at least 4, to features (B, 256)."""
        return self.maps(images)[-1].mean(dim=(2, 3))


def _sequentials(blocks: nn.ModuleList) -> list[nn.Sequential]:
    return [block for block in blocks if isinstance(block, nn.Sequential)]


def _load(flat: nn.Sequential, weights: Mapping[str, Tensor]) -> None:
    bare = {name.removeprefix("features."): tensor for name, tensor in weights.items()}
    try:
        flat.load_state_dict(bare)
    except RuntimeError as error:
        raise CorruptAssetError(
            f"VGG-19 weights must hold features.0 to features.16 in torchvision's layout, got "
            f"{' '.join(str(error).split())[:200]}. Fetch the file again."
        ) from error


def load_vgg(path: Path) -> Vgg19Conv34:
    """Build the network from a safetensors file; its sha256 is the caller's to check.

    Raises:
        CorruptAssetError: The file is no safetensors file, or it does not fit.
    """
    try:
        weights = safetensors.torch.load_file(path)
    except SafetensorError as error:
        raise CorruptAssetError(
            f"VGG-19 weights must be a safetensors file, got {path} ({error}). "
            "Fetch the file again."
        ) from error
    return Vgg19Conv34(weights)

"""A small random convolution pyramid: the stand-in of last resort, the same on every machine."""

import hashlib
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_WIDTHS = (16, 32, 48)
_KERNEL_PX = 5


class RandomPyramid(nn.Module):
    """Untrained convolutions at three scales; means and standard deviations of their maps.

    Good for smoke runs and tests, where it ranks gross differences of colour and texture. It is
    no judge of quality, and its numbers must never stand in a headline.

    Args:
        seed: Seed of the weights.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.convolutions = nn.ModuleList()
        channels_in = 3
        for width in _WIDTHS:
            convolution = nn.Conv2d(channels_in, width, _KERNEL_PX, padding=_KERNEL_PX // 2)
            _fill(convolution, generator)
            self.convolutions.append(convolution)
            channels_in = width
        self.eval().requires_grad_(requires_grad=False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps at full, half and quarter size: (B, 16 | 32 | 48, h, w)."""
        found = []
        x = images * 2.0 - 1.0
        for convolution in self.convolutions:
            x = F.relu(convolution(x))
            found.append(x)
            x = F.avg_pool2d(x, 2)
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [0, 1], H and W at least 4, to features (B, 192)."""
        maps = [found.flatten(2) for found in self.maps(images)]  # (B, C, H*W)
        pooled = [part for x in maps for part in (x.mean(dim=2), x.std(dim=2, correction=0))]
        return torch.cat(pooled, dim=1)

    def sha256(self) -> str:
        """Hash of the weights' bytes, which stands in for that of a file."""
        digest = hashlib.sha256()
        for tensor in self.state_dict().values():
            digest.update(tensor.cpu().numpy().astype("<f4").tobytes())
        return digest.hexdigest()


def _fill(convolution: nn.Conv2d, generator: torch.Generator) -> None:
    """Draw weights that keep the variance through the ReLU (He et al. 2015); biases are 0."""
    # torch.rand is exact arithmetic on the generator's bits; randn's last digit depends on the CPU
    shape = convolution.weight.shape
    # the bound is a power of two, so that scaling by it rounds nothing either
    bound = 2.0 ** round(math.log2(math.sqrt(6.0 / math.prod(shape[1:]))))
    uniform = torch.rand(shape, generator=generator) * 2.0 - 1.0
    with torch.no_grad():
        convolution.weight.copy_(uniform * bound)
        if convolution.bias is not None:
            convolution.bias.zero_()

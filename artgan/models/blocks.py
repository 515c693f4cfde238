"""Layers that several networks share; none of them normalises, so tiles match the whole frame."""

from torch import Tensor, nn
from torch.nn import functional as F

LEAK = 0.2


def clip_to_range(sums: Tensor) -> Tensor:
    """Clip to [0, 1], with a gradient that leads back into the range and never further out.

    That of a plain clip is zero outside: a picture burnt out in training would stay so. That of
    the sum itself pushes a black picture on towards ever more negative sums wherever a judge likes
    it darker; two translators that came to lie far outside so did not return in 2,000 steps.

    Args:
        sums: Any shape.

    Returns:
        The same shape.
    """
    clipped = sums + (sums.clamp(0, 1) - sums).detach()

    def back(gradient: Tensor) -> Tensor:
        # A step goes against the gradient
        further = ((sums < 0) & (gradient > 0)) | ((sums > 1) & (gradient < 0))
        return gradient.masked_fill(further, 0.0)

    if clipped.requires_grad:
        clipped.register_hook(back)
    return clipped


def zero_init(conv: nn.Conv2d) -> nn.Conv2d:
    """Make a convolution start as zero, so that the branch it ends starts as nothing."""
    nn.init.zeros_(conv.weight)
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv


class ResidualBlock(nn.Module):
    """Pre-activation residual block, ``x + conv(act(conv(act(x))))``; the identity at the start.

    Differs from the paper: no normalisation, and the second convolution starts at zero.

    Args:
        channels: Channels in and out.

    References:
        He et al. 2016, "Identity Mappings in Deep Residual Networks", fig. 4e,
        https://arxiv.org/abs/1603.05027
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = zero_init(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        y = self.first(F.leaky_relu(x, LEAK))
        # in place: at full resolution each copy of a large window is 30 MB
        return self.second(F.leaky_relu(y, LEAK, inplace=True)).add_(x)


class Halve(nn.Conv2d):
    """Halve the resolution with a 4 x 4 convolution of stride 2; H and W must be even.

    Args:
        channels_in: Channels of the finer level.
        channels_out: Channels of the coarser level.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 4, stride=2, padding=1)


class Double(nn.Module):
    """Double the resolution by repetition and a 3 x 3 convolution.

    Args:
        channels_in: Channels of the coarser level.
        channels_out: Channels of the finer level.

    References:
        Odena et al. 2016, "Deconvolution and Checkerboard Artifacts",
        https://doi.org/10.23915/distill.00003
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', 2 H, 2 W)."""
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))

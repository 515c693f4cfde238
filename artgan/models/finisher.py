"""Finishers: networks that add a small correction to a picture that is nearly right.

`Denoiser` corrects the picture itself, `Upscaler` its bicubic enlargement. Both corrections pass a
high-pass filter: whatever a network learned, colours of areas cannot drift.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import CorruptAssetError
from artgan.models.blocks import LEAK, ResidualBlock, zero_init
from artgan.models.checkpoint import load_network, unpack_weights
from artgan.models.unet import UNet

LOCK_SIGMA_PX = 4.0
LOCK_RADIUS_PX = 12


class LowFrequencyLock(nn.Module):
    """Takes the blurred part out of a correction: ``r - blur(r)``, with a Gaussian of 4 px.

    With y = x + r this is the usual ``y + blur(x) - blur(y)``, which leaves the large shapes and
    the colours of x as they were.
    """

    bell: Tensor

    def __init__(self) -> None:
        super().__init__()
        offsets = torch.arange(-LOCK_RADIUS_PX, LOCK_RADIUS_PX + 1, dtype=torch.float32)
        bell = torch.exp(-0.5 * (offsets / LOCK_SIGMA_PX) ** 2)
        self.register_buffer("bell", bell / bell.sum(), persistent=False)

    def forward(self, correction: Tensor) -> Tensor:
        """Map (B, 3, H, W) to the same."""
        bell = self.bell.to(correction)
        edge = (LOCK_RADIUS_PX,) * 4
        blurred = F.pad(correction, edge, mode="replicate")
        # one channel at a time: grouped convolutions are slow on CPUs
        blurred = blurred.flatten(0, 1)[:, None]  # (B * 3, 1, H, W)
        blurred = F.conv2d(F.conv2d(blurred, bell[None, None, :, None]), bell[None, None, None, :])
        return correction - blurred.reshape(correction.shape)


class Denoiser(UNet):
    """Residual U-Net over the identity; before training it returns the picture itself.

    Args:
        widths: Channels of each level, from full resolution down by halves.
        blocks: Residual blocks of each level, on the way down and again on the way up; the
            coarsest level is passed once.
    """

    factor = 1

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__(3, 3, widths, blocks)
        self.lock = LowFrequencyLock()

    @property
    def receptive_radius_px(self) -> int:
        """Farthest pixel that can change an output pixel, from above, in rows or columns."""
        return super().receptive_radius_px + LOCK_RADIUS_PX

    def forward(self, images: Tensor, strength: float = 1.0) -> Tensor:
        """Correct (B, 3, H, W) in [0, 1] by a part of what the network says; not clamped."""
        return images + strength * self.lock(self.body(images - 0.5))


class Upscaler(nn.Module):
    """Twice the size: bicubic, corrected by residual blocks at the small size.

    Args:
        width: Channels.
        blocks: Residual blocks.

    References:
        Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient
        Sub-Pixel Convolutional Neural Network", https://arxiv.org/abs/1609.05158. Differs: the
        network corrects the bicubic picture and starts as zero.
    """

    factor = 2
    stride = 1

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.width, self.blocks = width, blocks
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.trunk = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.head = zero_init(nn.Conv2d(width, 3 * self.factor**2, 3, padding=1))
        self.lock = LowFrequencyLock()
        self.to(memory_format=torch.channels_last)

    @property
    def receptive_radius_px(self) -> int:
        """Farthest pixel of the small picture that can change an output pixel, from above."""
        lock = -(-LOCK_RADIUS_PX // self.factor)
        return 2 + 2 * self.blocks + lock + 1  # the bicubic kernel reaches no farther than these

    def forward(self, images: Tensor, strength: float = 1.0) -> Tensor:
        """Map (B, 3, H, W) in [0, 1] to (B, 3, 2 H, 2 W); not clamped."""
        x = self.head(F.leaky_relu(self.trunk(self.stem(images - 0.5)), LEAK))
        correction = self.lock(F.pixel_shuffle(x, self.factor))
        return enlarge(images, self.factor) + strength * correction


def enlarge(images: Tensor, factor: int) -> Tensor:
    """Enlarge (B, C, H, W) with Keys' bicubic kernel (a = -0.5), as Pillow does."""
    return F.interpolate(images, scale_factor=float(factor), mode="bicubic", antialias=True)


def load_denoiser(data: bytes) -> Denoiser:
    """Rebuild a published denoiser, ready for inference.

    Args:
        data: What ``pack_weights`` made of a network named ``denoiser_ema`` and settings whose
            ``preset`` holds ``widths`` and ``blocks``.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    preset = _preset(settings, "denoise", ("widths", "blocks"))
    denoiser = Denoiser(tuple(preset["widths"]), tuple(preset["blocks"]))
    load_network(denoiser, states.get("denoiser_ema", {}))
    return denoiser.eval()


def load_upscaler(data: bytes) -> Upscaler:
    """Rebuild a published upscaler, ready for inference.

    Args:
        data: What ``pack_weights`` made of a network named ``upscaler_ema`` and settings whose
            ``preset`` holds ``width`` and ``blocks``.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    preset = _preset(settings, "upscale", ("width", "blocks"))
    upscaler = Upscaler(preset["width"], preset["blocks"])
    load_network(upscaler, states.get("upscaler_ema", {}))
    return upscaler.eval()


def _preset(settings: Mapping[str, Any], kind: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    preset = settings.get("preset") or {}
    if not all(name in preset for name in names):
        raise CorruptAssetError(
            f"settings of a finisher must hold a preset's {' and '.join(names)}, got {settings}. "
            f"Use a model of the kind {kind}."
        )
    return preset

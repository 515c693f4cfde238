"""The filler: a small U-Net that corrects a smooth prefill inside known holes."""

from typing import Any

import torch
from torch import Tensor

from artgan.errors import CorruptAssetError, InvalidInputError, MissingAssetError
from artgan.models.checkpoint import load_network, unpack_weights
from artgan.models.prefill import push_pull
from artgan.models.unet import UNet


class Filler(UNet):
    """Residual U-Net on prefill and mask; before training it returns the prefill itself.

    Args:
        widths: Channels of each level, from full resolution down by halves.
        blocks: Residual blocks of each level, on the way down and again on the way up; the
            coarsest level is passed once.
    """

    def __init__(self, widths: tuple[int, ...], blocks: tuple[int, ...]) -> None:
        super().__init__(4, 3, widths, blocks)

    def forward(self, prefill: Tensor, mask: Tensor) -> Tensor:
        """Correct a prefill (B, 3, H, W) under a mask (B, 1, H, W) of 0 and 1; not clamped."""
        return prefill + self.body(torch.cat([prefill - 0.5, mask - 0.5], dim=1))


def fill_batch(filler: Filler, images: Tensor, mask: Tensor) -> Tensor:
    """Fill the holes of an image batch; everything outside the holes is returned as it came.

    Args:
        filler: Trained or not.
        images: (B, 3, H, W) float32 in [0, 1]; H and W multiples of ``filler.stride``.
        mask: (B, 1, H, W) float32, 1 in a hole.

    Returns:
        (B, 3, H, W) float32 in [0, 1].
    """
    filled = filler(push_pull(images, mask), mask).clamp(0.0, 1.0)
    return torch.where(mask > 0.5, filled, images)


def load_filler(data: bytes, perceptual: float = 0.0) -> Filler:
    """Rebuild a published filler, ready for inference.

    Args:
        data: What ``pack_weights`` made of a network named ``generator_ema`` (nearest to the
            truth), perhaps one named ``perceptual`` (livelier), and settings whose ``preset``
            holds ``widths`` and ``blocks``.
        perceptual: 0 takes the first, 1 the second, anything between blends their weights.

    Returns:
        The filler on the CPU, in evaluation mode.

    Raises:
        CorruptAssetError: The bytes hold something else.
        MissingAssetError: A blend is asked for, and the model has no perceptual network.
        InvalidInputError: The blend is not from 0 to 1.

    References:
        Wang et al. 2018, "ESRGAN", section 3.4 (network interpolation),
        https://arxiv.org/abs/1809.00219
    """
    if not 0.0 <= perceptual <= 1.0:
        raise InvalidInputError(
            f"perceptual must be from 0 to 1, got {perceptual}. 0 is nearest to the truth."
        )
    states, settings = unpack_weights(data)
    filler = Filler(*_architecture(settings))
    load_network(filler, states.get("generator_ema", {}))
    if perceptual > 0.0:
        if "perceptual" not in states:
            raise MissingAssetError(
                f"perceptual must be 0 with a model that has one network, got {perceptual}. "
                "Train the model again to have both."
            )
        lively = Filler(filler.widths, filler.blocks)
        load_network(lively, states["perceptual"])
        with torch.no_grad():
            for own, other in zip(filler.parameters(), lively.parameters(), strict=True):
                own.lerp_(other, perceptual)
    return filler.eval()


def _architecture(settings: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    try:
        preset = settings["preset"]
        return tuple(preset["widths"]), tuple(preset["blocks"])
    except (KeyError, TypeError) as error:
        raise CorruptAssetError(
            f"settings of a filler must hold a preset's widths and blocks, got {settings}. "
            "Use a model of the kind restoration."
        ) from error

"""The operators that a curator chose, as one function of a window of a scan."""

from dataclasses import dataclass

import torch
from torch import Tensor

from artgan.errors import InvalidInputError
from artgan.models.finisher import Denoiser, Upscaler, enlarge
from artgan.models.tone import UNTONED, ToneNumbers
from artgan.models.unet import exact_sums

# convolution libraries sum in another order at odd sizes; with windows whose sides are multiples
# of this, and layers of 16 channels and more, results did not depend on the tile
ALIGN_PX = 32
FACTORS = (1, 2, 4)


@dataclass(frozen=True)
class Chain:
    """Noise first, then tone, then size: the reverse of how the faults came about.

    Attributes:
        denoiser: Network, or None.
        denoise_strength: 0 to 1; what part of its correction is made.
        tone: Numbers as they are to be applied; those of the identity change nothing.
        upscaler: Network that doubles, or None.
        upscale_strength: 0 to 1; 0 is plain bicubic.
        factor: 1 without an upscaler, else 2 or 4; 4 is twice 2.
    """

    denoiser: Denoiser | None = None
    denoise_strength: float = 0.5
    tone: ToneNumbers = UNTONED
    upscaler: Upscaler | None = None
    upscale_strength: float = 1.0
    factor: int = 1

    def __post_init__(self) -> None:
        if self.factor not in FACTORS or (self.upscaler is None) != (self.factor == 1):
            raise InvalidInputError(
                f"factor must be 2 or 4 with an upscaler and 1 without, got {self.factor}."
            )

    @property
    def halo_px(self) -> int:
        """Margin of a window, in pixels of the scan, outside of which nothing is seen."""
        reach = 0 if self.denoiser is None else self.denoiser.receptive_radius_px
        if self.upscaler is not None:
            reach += self.upscaler.receptive_radius_px
            reach += -(-self.upscaler.receptive_radius_px // 2) if self.factor == 4 else 0
        return -(-reach // ALIGN_PX) * ALIGN_PX

    @property
    def doublings(self) -> int:
        """How often the size is doubled."""
        return FACTORS.index(self.factor)

    @property
    def is_only_tone(self) -> bool:
        """Whether each pixel of the result comes from the same pixel of the scan alone."""
        denoises = self.denoiser is not None and self.denoise_strength > 0.0
        return self.factor == 1 and not denoises and not self.tone.is_identity

    @torch.inference_mode()
    def __call__(self, window: Tensor) -> Tensor:
        """Enhance (1, 3, H, W) in [0, 1]; H and W multiples of 32.

        Returns:
            (1, 3, factor H, factor W) on the CPU, not clamped.
        """
        levels = window
        if self.denoiser is not None and self.denoise_strength:
            device = self.denoiser.head.weight.device
            with exact_sums(device):
                levels = self.denoiser(levels.to(device), self.denoise_strength).cpu()
        if not self.tone.is_identity:
            levels = self.tone.apply(levels)
        for _ in range(self.doublings):
            levels = self._doubled(levels.clamp(0.0, 1.0))
        return levels

    def _doubled(self, levels: Tensor) -> Tensor:
        assert self.upscaler is not None, "checked when the chain was made"
        if not self.upscale_strength:
            return enlarge(levels, 2)
        device = self.upscaler.head.weight.device
        with exact_sums(device):
            return self.upscaler(levels.to(device), self.upscale_strength).cpu()

"""The discriminator of the filler: judges patches of a picture, told where its holes are."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from artgan.models.blocks import LEAK

PATCH_STRIDE = 8


class PatchGan(nn.Module):
    """Spectrally normalised PatchGAN on picture and mask: one logit for each 8 x 8 pixels.

    Args:
        width: Channels of the first of three halving layers; each next has twice as many.

    References:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks",
        section 3.2.2, https://arxiv.org/abs/1611.07004
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks",
        https://arxiv.org/abs/1802.05957
        Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution", section 3.3,
        https://arxiv.org/abs/1806.03589
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (4, width, 2 * width, 4 * width)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(narrow, wide, 4, stride=2, padding=1))
            for narrow, wide in pairwise(widths)
        )
        self.head = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, images: Tensor, mask: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge (B, 3, H, W) under (B, 1, H, W): logits (B, 1, H/8, W/8), features per layer."""
        x = torch.cat([2.0 * images - 1.0, mask], dim=1)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), LEAK)
            features.append(x)
        return self.head(x), features


def holed_patches(mask: Tensor) -> Tensor:
    """Say which of PatchGan's patches contain a hole: (B, 1, H, W) to (B, 1, H/8, W/8) of 0, 1."""
    return F.max_pool2d(mask, PATCH_STRIDE)

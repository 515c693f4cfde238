"""The detector: a small U-Net that says for each pixel which damage it shows, if any."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import load_network, unpack_weights
from artgan.models.unet import UNet

PRIOR = 0.05
HEAD_SPREAD = 0.02  # of the weights of the head
INPUT_GAIN = 4.0  # brings pictures to a spread of about one


class Detector(UNet):
    """U-Net on the picture: a logit for each class, and one more for their union.

    Before training it takes every pixel for damaged with a chance of 5 %.

    Args:
        widths: Channels of each level, from full resolution down by halves.
        blocks: Residual blocks of each level.
        classes: Names of the classes, in the order of the first channels.
        short_side_px: Longest short side of the works that it learns on; larger ones are to be
            reduced to that.
        least_side_px: Shortest short side that it learns to see whole works at; None if it only
            learns details.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
        classes: Sequence[str],
        short_side_px: int,
        least_side_px: int | None = None,
    ) -> None:
        super().__init__(3, len(classes) + 1, widths, blocks)
        self.classes, self.short_side_px = tuple(classes), short_side_px
        self.least_side_px = least_side_px
        # a head of zeros keeps the body from learning; there is no baseline here to start from
        nn.init.normal_(self.head.weight, std=HEAD_SPREAD)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, float(torch.logit(torch.tensor(PRIOR))))

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [0, 1] to logits (B, K + 1, H, W); the union comes last."""
        # as the weights lie: a fifth faster on a CPU
        centred = INPUT_GAIN * (images - 0.5)
        return self.body(centred.contiguous(memory_format=torch.channels_last))


def load_detector(data: bytes) -> Detector:
    """Rebuild a published detector, ready for inference.

    Args:
        data: What ``pack_weights`` made of a network named ``detector_ema`` and settings whose
            ``preset`` holds ``widths``, ``blocks``, ``classes`` and ``short_side_px``, and
            ``smallest_scale`` unless the detector is older than that.

    Returns:
        The detector on the CPU, in evaluation mode.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(data)
    try:
        preset = settings["preset"]
        widths, blocks, classes = (tuple(preset[name]) for name in ("widths", "blocks", "classes"))
        short_side_px, scale = int(preset["short_side_px"]), preset.get("smallest_scale")
    except (KeyError, TypeError) as error:
        raise CorruptAssetError(
            "settings of a detector must hold a preset's widths, blocks, classes and "
            f"short_side_px, got {settings}. Use a model of the kind detection."
        ) from error
    least_side_px = None if scale is None else round(scale * short_side_px)
    detector = Detector(widths, blocks, classes, short_side_px, least_side_px)
    load_network(detector, states.get("detector_ema", {}))
    return detector.eval()

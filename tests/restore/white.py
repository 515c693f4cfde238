"""A detector set by hand: what is nearly white is damage of one class."""

from dataclasses import asdict

import torch

from artgan.models.checkpoint import pack_weights
from artgan.models.detector import INPUT_GAIN, Detector
from artgan.presets import DetectionPreset

PRESET = DetectionPreset(widths=(1, 2), blocks=(1, 1))
STEEPNESS, FROM = 200.0, 0.45  # of the grey that is 0.5 in white


def white_detector(kind: str = "losses", short_side_px: int = 512) -> Detector:
    """A network whose logit of one class, and of the union, rises with the grey of the pixel.

    The union covers no veil, so a veil has its own logit alone.
    """
    detector = Detector(PRESET.widths, PRESET.blocks, PRESET.classes, short_side_px).eval()
    with torch.no_grad():
        for weights in detector.parameters():
            weights.zero_()
        detector.stem.weight[0, :, 1, 1] = 1.0 / (3.0 * INPUT_GAIN)
        assert detector.head.bias is not None
        detector.head.bias.fill_(-20.0)
        number = PRESET.classes.index(kind)
        veil = kind in {"stain", "foxing", "grime"}
        for channel in [number] if veil else [number, len(PRESET.classes)]:
            detector.head.weight[channel, 0, 1, 1] = STEEPNESS
            detector.head.bias[channel] = -STEEPNESS * FROM
    return detector


def white_weights() -> bytes:
    """The same as a published model."""
    return pack_weights({"detector_ema": white_detector()}, {"preset": asdict(PRESET)})

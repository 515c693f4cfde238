from dataclasses import asdict

import pytest
import torch

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import pack_weights
from artgan.models.detector import PRIOR, Detector, load_detector
from artgan.presets import DetectionPreset

PRESET = DetectionPreset(widths=(8, 12, 16), blocks=(1, 1, 2))


def lively():
    """A detector far from its start."""
    torch.manual_seed(0)
    detector = Detector(PRESET.widths, PRESET.blocks, PRESET.classes, PRESET.short_side_px).eval()
    with torch.no_grad():
        for weights in detector.parameters():
            weights.normal_(0.0, 0.1)
    return detector


def test_an_untrained_detector_has_no_opinion():
    detector = Detector(PRESET.widths, PRESET.blocks, PRESET.classes, PRESET.short_side_px)
    logits = detector(torch.rand(2, 3, 32, 48))
    assert logits.shape == (2, len(PRESET.classes) + 1, 32, 48)
    chances = torch.sigmoid(logits).detach()
    assert chances.mean() == pytest.approx(PRIOR, rel=0.2)
    assert chances.max() < 0.35  # nothing is likely yet


def test_gradients_reach_every_parameter():
    detector = lively()
    detector(torch.rand(1, 3, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in detector.parameters())


def test_no_pixel_beyond_the_receptive_radius_matters():
    detector = lively()
    radius = detector.receptive_radius_px
    images = torch.rand(1, 3, 16 * 13, 16 * 13)
    changed = images.clone()
    changed[..., 100, 100] = 1.0 - changed[..., 100, 100]
    with torch.no_grad():
        moved = (detector(images) != detector(changed)).any(dim=(0, 1))
    rows, columns = torch.nonzero(moved, as_tuple=True)
    reach = max((rows - 100).abs().max(), (columns - 100).abs().max())
    assert 8 < reach <= radius


def test_the_preset_for_two_cores_stays_small():
    preset = DetectionPreset()
    detector = Detector(preset.widths, preset.blocks, preset.classes, preset.short_side_px)
    assert sum(weights.numel() for weights in detector.parameters()) < 700_000


def test_a_detector_comes_back_from_its_bytes():
    detector = lively()
    again = load_detector(pack_weights({"detector_ema": detector}, {"preset": asdict(PRESET)}))
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(again(images), detector(images))
    assert (again.classes, again.short_side_px) == (PRESET.classes, PRESET.short_side_px)
    assert not again.training


def test_weights_of_another_kind_are_refused():
    with pytest.raises(CorruptAssetError, match="preset's widths, blocks, classes and short"):
        load_detector(pack_weights({"detector_ema": lively()}, {"preset": {"widths": [8]}}))
    with pytest.raises(CorruptAssetError, match="must fit the network"):
        load_detector(pack_weights({"generator_ema": lively()}, {"preset": asdict(PRESET)}))

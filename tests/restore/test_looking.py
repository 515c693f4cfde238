import numpy as np
import pytest
import torch

from artgan.models.checkpoint import pack_weights
from artgan.models.detector import Detector, load_detector
from artgan.restore.detect import DetectOptions, class_chances, detect_scan
from artgan.restore.looking import BROAD_PX, looks_from_afar
from tests.restore.white import PRESET, white_detector


class FarSighted(Detector):
    """Sees what is white in pictures of 64 px and nothing in larger ones."""

    def forward(self, images):
        logits = super().forward(images)
        return logits if min(images.shape[-2:]) <= 64 else torch.full_like(logits, -20.0)


def far_sighted(least_side_px):
    detector = FarSighted(PRESET.widths, PRESET.blocks, PRESET.classes, 256, least_side_px)
    detector.load_state_dict(white_detector().state_dict())
    return detector.eval()


def patched():
    """A dark picture with a broad white patch, and a white bar narrower than is seen from afar."""
    picture = np.full((256, 320, 3), 60, np.uint8)
    broad, bar = np.zeros((2, 256, 320), bool)
    broad[64:128, 96:192] = True
    bar[200 : 200 + 4 * (BROAD_PX - 3), 40:280] = True
    picture[broad | bar] = 255
    return picture, broad


def test_what_is_broad_is_found_from_afar_and_what_is_narrow_is_left_to_the_near_look():
    picture, broad = patched()
    asked = DetectOptions(broad=True)
    assert not detect_scan(picture, far_sighted(None), asked).mask.any()
    assert not detect_scan(picture, far_sighted(128), asked).mask.any()
    assert not detect_scan(picture, far_sighted(64)).mask.any()
    found = detect_scan(picture, far_sighted(64), asked)
    assert (found.mask != broad).mean() < 0.01
    assert found.probability.shape == (256, 320)
    chances = class_chances(picture, far_sighted(64))
    assert chances[PRESET.classes.index("losses"), 100, 150] > 0.9


@pytest.mark.parametrize(
    ("short_px", "least_side_px", "times"),
    [(512, 128, 2), (511, 128, 1), (300, 128, 1), (255, 128, 0), (1, 128, 0), (512, None, 0)],
)
def test_a_scan_is_halved_as_often_as_the_detector_has_seen_such_small_works(
    short_px, least_side_px, times
):
    assert looks_from_afar(short_px, least_side_px) == times


def test_a_detector_from_before_looks_once_as_it_did():
    sizes = {"widths": (1, 2), "blocks": (1, 1), "classes": PRESET.classes, "short_side_px": 256}
    weights = {"detector_ema": white_detector()}
    old = load_detector(pack_weights(weights, {"preset": sizes}))
    new = load_detector(pack_weights(weights, {"preset": sizes | {"smallest_scale": 0.25}}))
    assert (old.least_side_px, new.least_side_px) == (None, 64)
    picture, _ = patched()
    expected = detect_scan(picture, white_detector(short_side_px=256))
    found = detect_scan(picture, old, DetectOptions(broad=True))
    assert np.array_equal(found.probability, expected.probability)

"""Attacks where an accelerator is: what they leave is what they leave on the CPU."""

import numpy as np
import pytest
import torch

from artgan.degrade.blind import blind_crops
from artgan.metrics.archive_network import ArchiveNetwork, archive_extractor
from artgan.metrics.attacks import attack_names
from artgan.models.checkpoint import pack_weights
from artgan.models.detector import Detector
from artgan.presets import DAMAGE_CLASSES
from artgan.report.attacked import attack_classifier, attack_detector
from artgan.training.detection import hardened


def drawn(count):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (72, 72, 3), dtype=np.uint8) for _ in range(count)]


def classifier(device):
    torch.manual_seed(0)
    content = pack_weights({"archive": ArchiveNetwork(3)}, {"labels": ["a", "b", "c"]})
    extractor = archive_extractor(content)
    extractor.network.to(device)
    return extractor


def detector(device):
    torch.manual_seed(0)
    made = Detector((4, 8), (1, 1), DAMAGE_CLASSES, 48).eval().requires_grad_(requires_grad=False)
    return made.to(device)


def left(device):
    """What attacks leave of both networks."""
    crops = blind_crops(drawn(2), 32, 4, 0, DAMAGE_CLASSES)
    labels = [0, 1, 2, 0, 1, 2]
    return (
        attack_classifier(classifier(device), drawn(6), labels),
        attack_detector(detector(device), crops),
    )


def test_every_way_of_changing_is_tried_and_a_network_that_knows_nothing_loses_all():
    told, found = left("cpu")
    assert list(told) == list(found) == attack_names()
    assert told[attack_names()[-1]] <= told["as they are"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to try this on")
def test_attacks_run_where_the_network_is_and_leave_the_same():
    torch.backends.cudnn.allow_tf32 = False
    for there, here in zip(left("cuda"), left("cpu"), strict=True):
        assert there == pytest.approx(here, abs=0.17)  # one of six works


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device to try this on")
def test_hardening_changes_half_of_a_batch_on_its_device():
    network = detector("cuda")
    images = torch.rand(4, 3, 32, 32, device="cuda")
    masks = (torch.rand(4, len(DAMAGE_CLASSES) + 1, 32, 32, device="cuda") > 0.5).float()
    moved = hardened(network, images, masks, 8)
    assert moved.device == images.device
    apart = (moved - images).abs().amax(dim=(1, 2, 3)) * 255
    assert (apart[:2] > 1).all()
    assert apart[:2].max() < 8.01
    assert torch.equal(moved[2:], images[2:])

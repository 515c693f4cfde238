import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from artgan.degrade.blind import blind_crops, cut_scaled
from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.read import read_rgb
from artgan.metrics.robustness import marked_wrongly
from artgan.models.detector import Detector
from artgan.presets import OPAQUE, DetectionPreset
from artgan.training import detection
from artgan.training.detection import (
    DamagedBatches,
    build,
    classical_f1,
    hardened,
    measures,
)
from artgan.training.losses import detection_loss
from artgan.training.plan import TrainJob, Works, made_alike

TINY = DetectionPreset(40, 32, 32, (4, 8), (1, 1), batch=4, overlays=8)


def works(count=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(40, 120, (40, 56, 3), dtype=np.uint8) for _ in range(count)]


def test_batches_hold_damage_where_their_masks_say_so_and_clean_crops():
    torch.manual_seed(0)
    flat = [np.full((48, 48, 3), 128, np.uint8)]
    draw = DamagedBatches(flat, replace(TINY, batch=64, clean_fraction=0.5), 0)
    images, masks = draw()
    assert images.shape == (64, 3, 32, 32)
    assert masks.shape == (64, 10, 32, 32)
    union = masks[:, -1]
    assert torch.equal(union, masks[:, : len(OPAQUE)].amax(dim=1))
    clean = masks.sum(dim=(1, 2, 3)) == 0
    assert 20 < clean.sum() < 44
    change = (images - 128 / 255).abs().amax(dim=1)
    assert change[clean].max() < 5 * 4 / 255  # grain and nothing else
    covered = masks[:, : len(OPAQUE)].amax(dim=1) > 0
    assert change[covered].mean() > 0.1


def test_a_crop_takes_a_part_of_a_sheet():
    torch.manual_seed(1)
    flat = [np.full((48, 48, 3), 128, np.uint8)]
    preset = replace(TINY, crop_px=16, batch=32, clean_fraction=0.0)
    images, masks = DamagedBatches(flat, preset, 0)()
    assert images.shape == (32, 3, 16, 16)
    damaged = masks[:, -1].amax(dim=(1, 2)) > 0
    assert 8 < damaged.sum() < 32  # some parts of a sheet are clean


def test_the_same_step_draws_the_same_batch():
    draws = []
    for _ in range(2):
        draw = DamagedBatches(works(), TINY, 0)
        torch.manual_seed(5)
        draws.append(draw())
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])


def test_crops_are_cut_at_scales_from_a_half_to_one():
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:64] = 200
    whole = cut_scaled(picture, 32, (0.0, 0.0, 0.0))
    assert (whole == 200).all()
    half = cut_scaled(picture, 64, (1.0, 0.0, 0.0))  # 128 px of the picture in 64
    assert (half[:32] == 200).all()
    assert (half[32:] == 0).all()


def test_hardening_changes_half_of_a_batch_within_the_bound_so_that_the_detector_errs_more():
    torch.manual_seed(0)
    detector = Detector((4, 8), (1, 1), TINY.classes, 48)
    torch.nn.init.normal_(detector.head.weight, std=0.5)
    images, masks = DamagedBatches(works(), TINY, 0)()
    changed = hardened(detector, images, masks, 8)
    assert torch.equal(changed[2:], images[2:])
    apart = (changed[:2] - images[:2]).abs()
    assert 0 < apart.max() <= 8 / 255 + 1e-6
    with torch.no_grad():
        before, after = (
            marked_wrongly(detector(one)[:2, -1], masks[:2, -1]) for one in (images, changed)
        )
    assert (after > before).all()


def test_a_hardened_training_steps_and_keeps_its_bound_in_its_settings(run):
    preset = replace(TINY, hardened_codes=4, batch=2, overlays=3)
    subject = build(works(), works(2, seed=1), preset, 2, 0, None)
    history = run(subject, 2)
    assert np.isfinite(history[-1]["union_f1"])
    job = TrainJob("detection", "archive", "smoke", 2, 0, Works(), Works(), hardened_codes=4)
    assert job.sizes.hardened_codes == 4
    plain = replace(job, hardened_codes=0)
    assert plain.model_id != job.model_id
    row = {"settings_json": json.dumps({"preset": asdict(job.sizes)})}
    assert made_alike(row, job)
    assert not made_alike(row, plain)
    assert made_alike({"settings_json": json.dumps({"preset": {}})}, plain)  # from before


def test_rare_damage_counts_more():
    weights = DamagedBatches(works(), replace(TINY, overlays=40), 0).pos_weight()
    by_kind = dict(zip((*TINY.classes, "union"), weights.tolist(), strict=True))
    assert by_kind["dust"] > by_kind["strokes"] > by_kind["union"] > 1.0


def test_the_loss_is_least_for_the_truth_and_leaves_out_classes_that_are_not_there():
    masks = torch.zeros(2, 3, 8, 8)
    masks[:, 0, 2:5, 2:5] = 1.0
    masks[:, 2] = masks[:, 0]
    weight = torch.ones(3)
    right, wrong, nothing = (
        float(sum(detection_loss(logits, masks, weight).values()))
        for logits in (
            20.0 * (2.0 * masks - 1.0),
            -20.0 * (2.0 * masks - 1.0),
            torch.full_like(masks, -20.0),
        )
    )
    assert right == pytest.approx(0.0, abs=1e-3)
    assert right < nothing < wrong


def test_a_weight_does_not_make_damage_look_likelier_than_it_is():
    """The cross-entropy of a constant is least where the constant is the share of damage."""
    masks = torch.zeros(1, 2, 10, 20)
    masks[:, :, :2, :5] = 1.0  # a twentieth
    best = float(torch.logit(torch.tensor(0.05)))
    at = {
        shift: float(
            detection_loss(torch.full_like(masks, best + shift), masks, torch.tensor([4.0, 9.0]))[
                "cross_entropy"
            ]
        )
        for shift in (-0.2, 0.0, 0.2)
    }
    assert at[0.0] < min(at[-0.2], at[0.2])


def test_a_short_training_finds_more_than_none_at_all_and_spares_what_is_clean(run):
    """Grey works of fine noise: everything else in them is damage."""
    preset = replace(TINY, widths=(8, 12), overlays=60, classes=OPAQUE, batch=8, learning_rate=4e-3)
    trainee = build(works(4), works(2, 1), preset, 200, 0, None)
    history = run(trainee, 200)
    assert history[0]["union_f1"] < 0.1
    assert history[-1]["union_f1"] > 0.4
    assert history[-1]["clean_altered"] < 0.02
    assert trainee.grid().shape == (4 * 32, 8 * 32, 3)


def test_a_resumed_training_is_the_same_bit_for_bit(check_resumed, monkeypatch):
    monkeypatch.setattr(detection, "VALIDATION_CROPS", 4)
    check_resumed(lambda: build(works(), works(2, 1), TINY, 6, 0, None), 6, stops=[3])


def test_a_base_is_where_a_fine_tuning_starts(run):
    base = build(works(), works(2, 1), TINY, 4, 0, None)
    run(base, 4)
    states = {name: base.networks[name].state_dict() for name in base.publish}
    tuned = build(works(), works(2, 1), TINY, 4, 1, states)
    before, start = (one.networks["detector_ema"] for one in (base, tuned))
    assert all(
        torch.equal(a, b) for a, b in zip(before.parameters(), start.parameters(), strict=True)
    )
    rates = [one.optimizers["detector"].param_groups[0]["lr"] for one in (base, tuned)]
    assert rates[1] < rates[0] or rates[1] == pytest.approx(0.2 * TINY.learning_rate)
    with pytest.raises(CorruptAssetError):
        build(works(), works(2, 1), replace(TINY, widths=(4, 6)), 4, 0, states)


def test_top_hats_find_some_of_the_damage_of_real_works(real_data):
    folder = real_data / "scans" / "van_gogh"
    pictures = [read_rgb(path.read_bytes(), 256) for path in sorted(folder.iterdir())[:3]]
    crops = blind_crops(pictures, 128, 6, 0, OPAQUE)
    assert 0.02 < classical_f1(crops) < 0.5


def test_an_untrained_detector_marks_nothing(real_data):
    folder = real_data / "scans" / "van_gogh"
    pictures = [read_rgb(path.read_bytes(), 256) for path in sorted(folder.iterdir())[:2]]
    trainee = build(pictures, pictures, replace(TINY, overlays=2), 4, 0, None)
    crops = blind_crops(pictures, 64, 2, 0, OPAQUE)
    found = measures(trainee.networks["detector_ema"], crops)
    assert found.pop("clean_altered") == 0.0
    assert set(found.values()) == {0.0}


def test_works_that_are_too_small_are_refused():
    with pytest.raises(InvalidInputError, match="at least 32 px"):
        build([np.zeros((20, 40, 3), np.uint8)], works(), TINY, 4, 0, None)

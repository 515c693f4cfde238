import pytest

from artgan.training.plan import decide
from artgan.training.promote import promote

GOOD = {
    "kid_x1000": 50.0,
    "copy_ratio": 1.0,
    "honest_copy_ratio": 0.7,
    "diversity_ratio": 0.9,
}


@pytest.mark.parametrize(
    ("changed", "promoted"),
    [
        ({}, True),
        ({"kid_x1000": 101.0}, False),
        ({"copy_ratio": 0.75}, True),
        ({"copy_ratio": 0.65}, False),
        ({"copy_ratio": 0.89, "honest_copy_ratio": 0.95}, False),
        ({"diversity_ratio": 0.5}, False),
    ],
)
def test_a_simulation_must_be_nearer_varied_and_no_copy(changed, promoted) -> None:
    decision = promote("simulation", GOOD | changed, {"kid_x1000": 100.0})
    assert decision.promoted is promoted
    assert decision.reason


def test_the_first_model_is_promoted_unless_it_has_a_flaw() -> None:
    assert promote("simulation", GOOD, None).promoted
    assert not promote("simulation", GOOD | {"diversity_ratio": 0.1}, None).promoted


def test_a_filler_must_be_better_than_what_is_in_use() -> None:
    assert promote("restoration", {"hole_psnr_db": 24.1}, {"hole_psnr_db": 24.0}).promoted
    same = promote("restoration", {"hole_psnr_db": 24.0}, {"hole_psnr_db": 24.0})
    assert not same.promoted
    assert "24.000 against 24.000" in same.reason


def test_a_stylizer_must_beat_doing_nothing_and_colour_transfer() -> None:
    good = {"style_kid_x1000": 90.0, "unchanged_kid_x1000": 120.0, "color_kid_x1000": 100.0}
    assert promote("style", good, None).promoted
    assert not promote("style", good | {"unchanged_kid_x1000": 80.0}, None).promoted
    assert not promote("style", good | {"color_kid_x1000": 80.0}, None).promoted


def test_a_detector_must_beat_top_hats_and_spare_undamaged_works():
    good = {"union_f1": 0.6, "classical_f1": 0.2, "clean_altered": 0.004}
    assert promote("detection", good, None).promoted
    assert "marks 2.0%" in promote("detection", good | {"clean_altered": 0.02}, None).reason
    assert not promote("detection", good | {"clean_altered": 0.02}, None).promoted
    assert not promote("detection", good | {"union_f1": 0.19}, None).promoted
    assert not promote("detection", good, good | {"union_f1": 0.61}).promoted


def test_finishers_must_beat_what_needs_no_training() -> None:
    denoised = {"psnr_db": 31.0, "unchanged_psnr_db": 29.0, "nlm_psnr_db": 30.0}
    assert promote("denoise", denoised, None).promoted
    refused = promote("denoise", denoised | {"nlm_psnr_db": 31.5}, None)
    assert not refused.promoted
    assert "non-local means" in refused.reason
    enlarged = {"psnr_db": 28.0, "bicubic_psnr_db": 27.5, "lanczos_psnr_db": 27.6}
    assert promote("upscale", enlarged, None).promoted
    assert not promote("upscale", enlarged | {"bicubic_psnr_db": 28.0}, None).promoted
    assert not promote("upscale", enlarged, enlarged | {"psnr_db": 28.1}).promoted


@pytest.mark.parametrize(
    ("before", "present", "train"),
    [
        (None, range(30), True),
        (range(30), range(30), False),
        (range(30), range(31), False),
        (range(30), range(33), True),
        (range(300), range(315), False),
        (range(300), range(320), True),
        (range(30), range(3, 30), True),
    ],
)
def test_training_waits_for_a_tenth_or_twenty_changed_works(before, present, train) -> None:
    old = None if before is None else [str(number) for number in before]
    new = [str(number) for number in present]
    assert decide(old, new, 0.1, 20).train is train
    assert decide(old, new, 0.1, 20, withdrawn=1).train

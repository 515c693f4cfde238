import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.motion import steady_pixels, warping_error


def still(h, w):
    return np.zeros((h, w, 2), dtype=np.float32)


def flow(h, w, dx, dy):
    return np.broadcast_to(np.float32([dx, dy]), (h, w, 2)).copy()


def canvas():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def panned(steps, dx=3, dy=2):
    """Frames of a camera that moves over a larger picture, so that its content moves back."""
    whole = canvas()
    return [whole[n * dy : n * dy + 30, n * dx : n * dx + 40].copy() for n in range(steps)]


def test_camera_pan_along_its_flow_has_no_error():
    frames = panned(4)
    forward = [flow(30, 40, -3, -2)] * 3
    backward = [flow(30, 40, 3, 2)] * 3
    assert warping_error(frames, forward, backward) == pytest.approx(0.0, abs=1e-12)
    assert warping_error(frames, [still(30, 40)] * 3, [still(30, 40)] * 3) > 0.05


def test_flicker_of_a_still_clip_is_its_mean_square():
    frames = [np.full((20, 20, 3), level, dtype=np.uint8) for level in (100, 110, 90)]
    found = warping_error(frames, [still(20, 20)] * 2, [still(20, 20)] * 2)
    assert found == pytest.approx(((10 / 255) ** 2 + (20 / 255) ** 2) / 2, rel=1e-6)


def test_pixels_that_leave_are_covered_or_lie_on_an_edge_of_the_motion_are_left_out():
    forward, backward = flow(20, 30, 4, 0), flow(20, 30, -4, 0)
    steady = steady_pixels(forward, backward)
    assert steady[:, :26].all()
    assert not steady[:, 26:].any()
    backward[8:12, 8:12] = 0.0  # where the next frame shows something that was not there
    assert not steady_pixels(forward, backward)[8:12, 4:8].any()
    half = still(20, 30)
    half[:, 15:, 1] = 3.0
    edge = steady_pixels(half, -half)
    assert not edge[:10, 14:16].any()
    assert edge[:10, :13].all()


def test_change_in_pixels_that_are_left_out_does_not_count():
    first, second = (np.full((20, 30, 3), 100, dtype=np.uint8) for _ in range(2))
    first[:, 26:] = 250  # leaves the frame
    forward, backward = [flow(20, 30, 4, 0)], [flow(20, 30, -4, 0)]
    assert warping_error([first, second], forward, backward) == pytest.approx(0.0, abs=1e-12)


def test_clips_and_flows_that_do_not_fit_are_refused():
    frames = panned(2)
    with pytest.raises(InvalidInputError, match="one fewer"):
        warping_error(frames, [], [])
    with pytest.raises(InvalidInputError, match="one size"):
        warping_error(frames, [still(8, 8)], [still(8, 8)])
    with pytest.raises(InvalidInputError, match="stay in sight"):
        warping_error(frames, [flow(30, 40, 90, 0)], [flow(30, 40, -90, 0)])

"""Frames of a shot, steady beside their source, on clips of real and drawn pictures."""

from itertools import pairwise

import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.motion import warping_error
from artgan.stylize.color import ColorStatistics, ColorStylizer
from artgan.stylize.stylizer import Finish, stylize_picture
from artgan.stylize.video import LEAD, ShotStylizer, Steadiness
from artgan.stylize.video_flow import carried, motion_between, trusted
from artgan.stylize.video_frozen import frozen
from artgan.stylize.video_pan import PannedClip
from artgan.stylize.video_strip import strip, strip_size
from tests.films import drawn

VIVID = ColorStatistics(np.array([0.6, 0.5, 0.4]), np.diag([0.04, 0.03, 0.04]))


def still_camera(count, size=(72, 96)):
    """A room that stands still under grain, and a bright thing that crosses it."""
    rng = np.random.default_rng(0)
    room = 60 + drawn(1, size) // 3
    frames = []
    for n in range(count):
        frame = room.copy()
        frame[20:36, 6 + 5 * n : 20 + 5 * n] = (250, 240, 90)
        frames.append(np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8))
    return frames


def rendered(frames, stylizer, share):
    worker = ShotStylizer(stylizer, Finish(), share)
    return [worker(frame) for frame in frames], worker.steadiness


@pytest.fixture(scope="module")
def room():
    return still_camera(10)


def test_a_still_camera_is_as_steady_as_its_source_and_what_crosses_it_leaves_no_trace(room):
    color = frozen(ColorStylizer(VIVID), room)
    made, steady = rendered(room, color, 0.7)
    found = steady.means()
    assert found["warping_error"] <= 1.3 * found["source_warping_error"]
    assert found["frame_difference"] <= found["source_frame_difference"]
    for n, frame in enumerate(made):
        alone = stylize_picture(color, room[n])
        thing = np.s_[20:36, 6 + 5 * n : 20 + 5 * n]
        behind = np.s_[20:36, max(0, 5 * n - 8) : 4 + 5 * n]
        for part in (thing, behind):
            off = np.abs(frame[part].astype(int) - alone[part]).mean()
            assert off < 12, (n, part)  # grain, made stronger by the style, is about 5


def test_frame_by_frame_a_style_flickers_and_by_shot_and_motion_it_does_not(make_stylizer, room):
    painter = make_stylizer("fast")
    single = [stylize_picture(painter, frame) for frame in room]
    _, steady = rendered(room, frozen(painter, room), 0.7)
    motions = [motion_between(one, two) for one, two in pairwise(room)]
    flows = [one.forward for one in motions], [one.backward for one in motions]
    found = steady.means()
    assert found["source_warping_error"] == pytest.approx(warping_error(room, *flows), rel=1e-6)
    assert found["warping_error"] < 0.6 * warping_error(single, *flows)


def test_measures_are_those_of_the_files_that_are_written(room):
    made, steady = rendered(room[:4], frozen(ColorStylizer(VIVID), room), 0.7)
    pairs = list(pairwise(made))
    mean = np.mean([np.abs(one.astype(float) - two).mean() / 255 for one, two in pairs])
    assert steady.means()["frame_difference"] == pytest.approx(mean)
    assert steady.pairs == 3
    joined = steady + steady
    assert (joined.pairs, joined.means()) == (6, steady.means())
    assert Steadiness().means()["warping_error"] is None


def test_nothing_carried_is_each_frame_by_itself(room):
    color = frozen(ColorStylizer(VIVID), room)
    made, _ = rendered(room[:3], color, 0.0)
    for frame, own in zip(made, room, strict=False):
        assert (frame == stylize_picture(color, own)).all()


def test_a_shot_made_in_two_parts_is_the_shot_made_at_once(room):
    color = frozen(ColorStylizer(VIVID), room)
    whole, _ = rendered(room, color, 0.7)
    first = ShotStylizer(color, Finish(), 0.7)
    made = [first(frame) for frame in room[:6]]
    second = ShotStylizer(color, Finish(), 0.7, first.before)
    made += [second(frame) for frame in room[6:]]
    assert all((one == two).all() for one, two in zip(whole, made, strict=True))


def test_a_shot_begins_settled(room):
    """Without that its first frame has all its grain, and the grain goes in sight."""
    color = frozen(ColorStylizer(VIVID), room)
    calm = np.s_[44:, :]

    def first_changes(settled):
        worker = ShotStylizer(color, Finish(), 0.7)
        if settled:
            worker.settle(room[1:LEAD])
        made = [worker(frame)[calm].astype(float) for frame in room[:4]]
        assert worker.steadiness.pairs == 3
        return [np.abs(one - two).mean() for one, two in pairwise(made)]

    at_once, settling = first_changes(True), first_changes(False)
    assert at_once[0] < 0.7 * settling[0]
    assert max(at_once) < 1.5 * min(at_once)


def test_a_frame_that_stands_again_comes_out_the_same(room):
    made, steady = rendered([room[0], room[0].copy(), room[1]], ColorStylizer(VIVID), 0.7)
    assert made[0] is made[1]
    assert (steady.pairs, steady.steady_pairs) == (2, 2)


def test_motion_of_a_pan_is_found_and_a_cut_is_not_trusted():
    picture = drawn(3, (120, 160))
    before, after = picture[10:90, 20:130], picture[12:92, 23:133]
    motion = motion_between(before, after)
    inside = np.s_[10:-10, 10:-10]
    assert np.abs(motion.backward[inside] - (3.0, 2.0)).mean() < 0.5
    trust = trusted(before, after, motion)
    assert trust[inside].mean() > 0.8
    moved = carried(before.astype(np.float32), motion)
    assert np.abs(moved[inside] - after[inside]).mean() < 3
    other = drawn(4, (80, 110))
    assert trusted(before, other, motion_between(before, other)).mean() < 0.2


def test_a_camera_passes_over_a_picture_from_end_to_end():
    picture = drawn(5, (120, 200))
    clip = PannedClip(picture, 1.0)
    frames = list(clip.frames())
    assert len(frames) == clip.length == 25
    assert frames[0].shape == (72, 120, 3)
    assert (frames[0] == picture[:72, :120]).all()
    assert (frames[-1] == picture[48:, 80:]).all()
    assert (next(clip.frames(7, 8)) == frames[7]).all()
    stands = list(PannedClip(picture, 0.2, still=True).frames())
    assert all((frame == stands[0]).all() for frame in stands)
    with pytest.raises(InvalidInputError, match="sides of at least 54 pixels"):
        PannedClip(drawn(6, (40, 200)), 1.0)


def test_a_share_that_never_renews_anything_is_refused():
    with pytest.raises(InvalidInputError, match="below 1, got 1"):
        ShotStylizer(ColorStylizer(VIVID), Finish(), 1)


def test_a_strip_has_the_size_that_is_said():
    frames = [drawn(n, (90, 160)) for n in range(4)]
    picture = strip(frames, frames[::-1])
    assert picture.shape[1::-1] == strip_size(160, 90)
    cell = (picture.shape[0] - 8) // 2
    assert (picture[:cell, :240] == picture[-cell:, 3 * 248 : 3 * 248 + 240]).all()
    assert (picture[:, 4 * 248 :] == 255).all()

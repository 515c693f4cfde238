"""Measure stylized films: how steady they are beside their source, and whether cuts are kept.

    ARTGAN_TEST_DATA=... python benchmarks/video.py --quick
    ARTGAN_TEST_DATA=... python benchmarks/video.py --steps 200 --state states/

Films of real scans are written, stylized through files and measured on the files that come out. In
one the camera stands still before a wall of grain, and something crosses the picture; the other
passes over one work, cuts, and passes over another. The peer renders frame by frame, each by its
own statistics, as it is done by hand. `fast` is trained for a few hundred steps, with ``--quick``
it is an untrained painter with all of it at work. Prints one JSON line for each result; progress
goes to standard error.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from held_out import SEED, Split, line, read_splits, say, trained

from artgan.errors import MissingAssetError
from artgan.imaging.clip import ClipFacts
from artgan.imaging.video import VideoClip
from artgan.imaging.video_write import FilmWords, join_shots, write_shot
from artgan.imaging.write import png_bytes
from artgan.metrics.features import load_vgg_extractor
from artgan.metrics.motion import change_beyond_motion, frame_difference
from artgan.models.painter import Painter
from artgan.presets import PRESETS
from artgan.stylize.color import ColorStylizer, measure_colors, pool_colors
from artgan.stylize.paint import paint_own
from artgan.stylize.stylizer import Finish, Stylizer, stylize_picture
from artgan.stylize.video import LEAD, ShotStylizer
from artgan.stylize.video_flow import motion_between
from artgan.stylize.video_frozen import frozen, sample_frames
from artgan.stylize.video_pan import PannedClip
from artgan.stylize.video_shots import HEIGHT_PX, WIDTH_PX, find_shots
from artgan.stylize.video_strip import COLUMNS, strip
from artgan.training.painting import build_fast
from artgan.training.sides import Sides

STYLE, OTHERS = "ukiyo_e", ("van_gogh", "old_masters")
MOST_ERROR = 1.3
MOST_DIFFERENCE = 1.0
SHARE = 0.7
_GRAIN = 3.0  # of 255, standard deviation
_SIZE = (240, 320)

Frames = list[np.ndarray]


def with_grain(frame: np.ndarray, number: int) -> np.ndarray:
    """Add the grain of a camera, another one in each frame."""
    grain = np.random.default_rng([SEED, number]).normal(0, _GRAIN, frame.shape)
    return np.clip(np.rint(frame + grain), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Crossing:
    """A camera that stands still, and a round thing that crosses what it sees.

    Attributes:
        room: (H, W, 3) uint8, what stands still.
        thing: (h, w, 3) uint8, of which a disc moves from left to right.
        count: Frames.
    """

    room: np.ndarray
    thing: np.ndarray
    count: int

    def hidden(self, number: int) -> np.ndarray:
        """Return where the thing is in a frame, (H, W) bool."""
        height, width = self.room.shape[:2]
        row, column = np.mgrid[0:height, 0:width]
        middle = width * (0.1 + 0.8 * number / self.count)
        return np.hypot(row - height / 2, column - middle) < height / 6

    def frames(self) -> Frames:
        """Return the frames with their grain."""
        large = cv2.resize(self.thing, self.room.shape[1::-1])
        made = []
        for number in range(self.count):
            shift = round(self.room.shape[1] * 0.8 * number / self.count)
            hidden = self.hidden(number)[..., None]
            moved = np.where(hidden, np.roll(large, shift, axis=1), self.room)
            made.append(with_grain(moved, number))
        return made

    def steadiness(self, frames: Frames) -> tuple[float, float]:
        """Measure what stands still, along its true motion, which is none.

        Returns:
            Warping error and frame difference.
        """
        still = np.zeros((*self.room.shape[:2], 2), np.float32)
        errors, differences = [], []
        for number, (now, after) in enumerate(pairwise(frames)):
            # one pixel more: chroma is shared by two
            around = np.ones((5, 5), np.uint8)
            both = (self.hidden(number) | self.hidden(number + 1)).astype(np.uint8)
            seen = cv2.dilate(both, around) == 0
            errors.append(change_beyond_motion(now, after, still, seen) or 0.0)
            differences.append(float(np.abs(after.astype(int) - now)[seen].mean() / 255))
        return float(np.mean(errors)), float(np.mean(differences))


def passed_over(pictures: list[np.ndarray], count: int) -> Frames:
    """Return a film of a camera that passes over works, one after the other."""
    made: Frames = []
    for picture in pictures:
        fitted = cv2.resize(picture, (int(_SIZE[1] / 0.6), int(_SIZE[0] / 0.6)))
        clip = PannedClip(fitted, count / 25)
        made += [with_grain(frame, len(made) + n) for n, frame in enumerate(clip.frames())]
    return made


def film_of(frames: Frames, path: Path) -> VideoClip:
    """Write a film and open it."""
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    facts = ClipFacts(width, height, Fraction(25))
    write_shot(path, (one[:height, :width] for one in frames), facts)
    return VideoClip(path)


def stylized(clip: VideoClip, stylizer: Stylizer, folder: Path) -> tuple[Frames, list[int], float]:
    """Stylize a film through files; return its frames, its cuts, and processor seconds."""
    started = time.process_time()
    shots = find_shots(clip.small_frames(WIDTH_PX, HEIGHT_PX)).shots
    pieces = []
    for number, shot in enumerate(shots):
        chosen = [shot.start + at for at in sample_frames(shot.length, 1)]
        still = frozen(stylizer, [next(clip.frames(at, at + 1)) for at in chosen])
        worker = ShotStylizer(still, Finish(), SHARE)
        worker.settle(list(clip.frames(shot.start + 1, min(shot.start + LEAD, shot.stop))))
        pieces.append(folder / f"{number}.mp4")
        write_shot(pieces[-1], map(worker, clip.frames(shot.start, shot.stop)), clip.facts)
    path = join_shots(pieces, folder, clip.facts, FilmWords("benchmark", "benchmark"))
    spent = time.process_time() - started
    return list(VideoClip(path).frames()), [shot.start for shot in shots[1:]], spent


def by_hand(clip: VideoClip, stylizer: Stylizer, folder: Path) -> Frames:
    """Stylize frame by frame, through a file as well."""
    made = (stylize_picture(stylizer, frame) for frame in clip.frames())
    write_shot(folder / "hand.mp4", made, clip.facts)
    return list(VideoClip(folder / "hand.mp4").frames())


def along(source: Frames, frames: Frames, cut: int) -> float:
    """Measure the warping error of a film along the motion of its source; not across a cut."""
    errors = []
    for number, (now, after) in enumerate(pairwise(source)):
        if number + 1 != cut:
            motion = motion_between(now, after)
            seen = np.ones(now.shape[:2], bool)
            seen[:8], seen[-8:], seen[:, :8], seen[:, -8:] = False, False, False, False
            pair = frames[number], frames[number + 1]
            errors.append(change_beyond_motion(*pair, motion.forward, seen) or 0.0)
    return float(np.mean(errors))


def standing(
    name: str, stylizer: Stylizer, scene: Crossing, work: Path, keep: Callable[..., None]
) -> list[dict[str, object]]:
    """Measure a film whose camera stands still."""
    clip = film_of(scene.frames(), work / "standing.mp4")
    source = list(clip.frames())
    made, _, spent = stylized(clip, stylizer, work)
    hand = by_hand(clip, stylizer, work)
    keep(f"standing-{name}", source, made)
    own, ours, peer = (scene.steadiness(frames) for frames in (source, made, hand))
    megapixels = len(source) * source[0].shape[0] * source[0].shape[1] / 1e6
    say(f"{name}: {megapixels / spent:.2f} MP for each processor second, whole way")
    words = ("warping_error", MOST_ERROR), ("frame_difference", MOST_DIFFERENCE)
    return [
        line(
            f"video/{measure}/{name}/standing",
            ours[at] / own[at],
            "parts of the source's own",
            "frame by frame",
            peer[at] / own[at],
            f"at most {most:g}",
            holds=ours[at] <= most * own[at],
        )
        for at, (measure, most) in enumerate(words)
    ]


def passing(
    name: str, stylizer: Stylizer, frames: Frames, work: Path, keep: Callable[..., None]
) -> list[dict[str, object]]:
    """Measure a film that moves, and cuts in its middle."""
    clip = film_of(frames, work / "passing.mp4")
    source, cut = list(clip.frames()), len(frames) // 2
    made, cuts, _ = stylized(clip, stylizer, work)
    say(f"{name}: cuts found at {cuts}")
    hand = by_hand(clip, stylizer, work)
    keep(f"passing-{name}", source, made)
    own, ours, peer = (along(source, one, cut) for one in (source, made, hand))
    # a shot is what it would be if nothing had been before it
    chosen = [source[cut + at] for at in sample_frames(len(source) - cut, 1)]
    worker = ShotStylizer(frozen(stylizer, chosen), Finish(), SHARE)
    worker.settle(source[cut + 1 : cut + LEAD])
    write_shot(work / "alone.mp4", map(worker, source[cut:]), clip.facts)
    carried = frame_difference(next(VideoClip(work / "alone.mp4").frames()), made[cut])
    return [
        line(
            f"video/warping_error/{name}/passing",
            ours / own,
            "parts of the source's own",
            "frame by frame",
            peer / own,
            "below peer",
            holds=ours < peer,
        ),
        line(
            f"video/carried_over_the_cut/{name}",
            255 * carried,
            "levels of 255",
            "the cut itself",
            255 * frame_difference(made[cut - 1], made[cut]),
            f"cut found at {cut}, nothing carried",
            holds=cuts == [cut] and carried == 0,
        ),
    ]


def taught(splits: dict[str, Split], root: Path, steps: int, state: Path | None) -> Painter:
    """Train a painter for some steps."""
    preset = PRESETS["tiny"].fast
    extractor = load_vgg_extractor(str(root / "weights"), preset.short_side_px)
    assert extractor is not None, "the folder of weights holds VGG-19"
    style, content = splits[STYLE], [splits[name] for name in OTHERS]
    learned = [work for split in content for work in split.train]
    sides = Sides(style.train, style.test[:3], learned, content[0].test[:3])
    trainee = build_fast(sides, preset, steps, SEED, None, extractor)
    trained(trainee, steps, state, "video-fast")
    painter = trainee.networks["painter_ema"]
    assert isinstance(painter, Painter), "what it trains"
    return painter.eval().requires_grad_(requires_grad=False)


def untrained() -> Painter:
    """Return a painter of the preset's size, with all of it at work."""
    torch.manual_seed(SEED)
    sizes = PRESETS["tiny"].fast
    painter = Painter(sizes.width, sizes.blocks, own_manner=True)
    painter.get_buffer("style_mean").fill_(0.5)
    painter.get_buffer("style_covariance").mul_(0.04)
    torch.nn.init.normal_(painter.head.weight, std=0.05)
    return painter.eval().requires_grad_(requires_grad=False)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short films, an untrained painter")
    parser.add_argument("--steps", type=int, default=200, help="steps of the painter's training")
    parser.add_argument("--state", type=Path, help="folder of states, and of strips of frames")
    chosen = parser.parse_args()
    folder = os.environ.get("ARTGAN_TEST_DATA")
    if folder is None:
        raise MissingAssetError("ARTGAN_TEST_DATA must name a folder with scans, got nothing.")
    torch.set_num_threads(1)
    root, count = Path(folder), 24 if chosen.quick else 40
    if chosen.state is not None:
        chosen.state.mkdir(parents=True, exist_ok=True)
    side = PRESETS["tiny"].fast.short_side_px
    splits = read_splits(root / "scans", side, 480, names=(STYLE, *OTHERS))
    large = [splits[name].test[0] for name in OTHERS]
    painter = untrained() if chosen.quick else taught(splits, root, chosen.steps, chosen.state)
    colors = pool_colors([measure_colors(work) for work in splits[STYLE].train])
    stylizers: dict[str, Stylizer] = {"color": ColorStylizer(colors), "fast": paint_own(painter)}

    def keep(name: str, source: Frames, made: Frames) -> None:
        if chosen.state is not None:
            at = [(2 * n + 1) * len(source) // (2 * COLUMNS) for n in range(COLUMNS)]
            picture = strip([source[n] for n in at], [made[n] for n in at])
            (chosen.state / f"{name}.png").write_bytes(png_bytes(picture))

    room = cv2.resize(large[0], _SIZE[::-1], interpolation=cv2.INTER_AREA)
    scene = Crossing(room, large[1], count)
    frames = passed_over(large, count)
    with tempfile.TemporaryDirectory() as name:
        for method, stylizer in stylizers.items():
            lines = standing(method, stylizer, scene, Path(name), keep)
            for result in lines + passing(method, stylizer, frames, Path(name), keep):
                sys.stdout.write(json.dumps(result) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()

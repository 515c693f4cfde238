"""Films written: shots one by one, then joined with the sound of the film that they were made of.

Pictures are H.264, which plays everywhere. A shot is encoded by itself, in one thread and without
frames that look ahead, so that its bytes depend on its frames alone and shots join packet by
packet.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.clip import FULL, LIMITED, LUMA_WEIGHTS, ClipFacts, video_library

_CODEC = "libx264"
_ENCODING = {"crf": "16", "preset": "medium", "bf": "0"}
_LAID = {"fflags": "+bitexact"}
_CONTAINERS = {".mp4": "mp4", ".mov": "mov"}
# by range: scales of luma and the two differences, and what is added
_CODES = {
    LIMITED: ((219 / 255, 224 / 255, 224 / 255), (16.0, 128.0, 128.0)),
    FULL: ((1.0, 1.0, 1.0), (0.0, 128.0, 128.0)),
}


@dataclass(frozen=True)
class FilmWords:
    """What players show of a film: a title, and a sentence on what it is."""

    title: str
    comment: str


def write_shot(path: Path, frames: Iterable[np.ndarray], facts: ClipFacts) -> int:
    """Encode frames as a film without sound; return how many there were.

    Args:
        path: File to write, MP4.
        frames: (H, W, 3) uint8 of the size in ``facts``.
        facts: Rate, and the meaning of colours, which is stated in the film.

    Raises:
        MissingAssetError: The package av is not there, or has no H.264.
    """
    av = video_library()
    if _CODEC not in av.codecs_available:
        raise MissingAssetError(
            f"package av must come with {_CODEC} to write films, got one without. Install it from "
            "PyPI's own wheels."
        )
    count = 0
    with av.open(str(path), "w", format="mp4", container_options=dict(_LAID)) as container:
        stream = _video_stream(container, facts)
        for frame in frames:
            container.mux(stream.encode(_coded(av, frame, count, facts)))
            count += 1
        container.mux(stream.encode(None))
    return count


def _video_stream(container: Any, facts: ClipFacts) -> Any:  # noqa: ANN401
    stream = container.add_stream(_CODEC, rate=facts.rate, options=dict(_ENCODING))
    stream.width, stream.height, stream.pix_fmt = facts.width_px, facts.height_px, "yuv420p"
    coder = stream.codec_context
    coder.time_base, coder.thread_count = 1 / facts.rate, 1
    coder.sample_aspect_ratio = facts.aspect
    coder.color_primaries, coder.color_trc = facts.tags.primaries, facts.tags.transfer
    coder.colorspace, coder.color_range = facts.tags.matrix, facts.tags.range
    return stream


def _coded(av: Any, picture: np.ndarray, number: int, facts: ClipFacts) -> Any:  # noqa: ANN401
    frame = av.VideoFrame.from_ndarray(luma_and_chroma(picture, facts), "yuv420p")
    frame.colorspace, frame.color_range = facts.tags.matrix, facts.tags.range
    frame.pts, frame.time_base = number, 1 / facts.rate
    return frame


def luma_and_chroma(picture: np.ndarray, facts: ClipFacts) -> np.ndarray:
    """Convert a frame to the planes that are encoded, one below the other.

    Written out because FFmpeg's scaler takes half a code off both differences at full range, which
    tints a film green.

    Args:
        picture: (H, W, 3) uint8, sides even.
        facts: Matrix and range.

    Returns:
        (3 H / 2, W) uint8: luma, then one behind the other, half as wide and high, the differences
        of blue and red.

    References:
        ITU-R BT.709-6, sections 3 and 4; ITU-T H.273, equations 38 to 43
    """
    red, blue = LUMA_WEIGHTS[facts.matrix]
    luma = np.array([red, 1 - red - blue, blue])
    differences = [
        (np.array([0.0, 0.0, 1.0]) - luma) / (2 * (1 - blue)),
        (np.array([1.0, 0.0, 0.0]) - luma) / (2 * (1 - red)),
    ]
    scale, offset = _CODES[facts.range]
    matrix = np.stack([luma, *differences]) * np.array(scale)[:, None]
    coded = cv2.transform(picture.astype(np.float32), np.column_stack([matrix, offset]))
    height, width = picture.shape[:2]
    half = cv2.resize(coded[..., 1:], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    # a plane of differences may end in the middle of a row
    planes = np.concatenate([coded[..., 0].ravel(), half[..., 0].ravel(), half[..., 1].ravel()])
    return np.clip(np.rint(planes), 0, 255).astype(np.uint8).reshape(-1, width)


def join_shots(
    shots: Sequence[Path],
    folder: Path,
    facts: ClipFacts,
    words: FilmWords,
    sound: Path | None = None,
) -> Path:
    """Put shots one behind the other, without encoding anything anew.

    Args:
        shots: Files of `write_shot`, in order, all of one size and rate.
        folder: Where the film is written, as ``film.mp4``; or as ``film.mov`` where its sound fits
            no MP4.
        facts: Those of the film whose sound is copied; its first frame is the film's beginning.
        words: Title and comment.
        sound: Film whose sounds are copied; None copies none.

    Returns:
        The file.

    Raises:
        InvalidInputError: The sound fits neither.
    """
    av = video_library()
    path = folder / f"film{'.mp4' if sound is None else film_suffix(sound)}"
    laid = _LAID | {"movflags": "+faststart"}
    with ExitStack() as opened:
        form = _CONTAINERS[path.suffix]
        film = opened.enter_context(av.open(str(path), "w", form, container_options=laid))
        film.metadata.update({"title": words.title, "comment": words.comment})
        first = opened.enter_context(av.open(str(shots[0])))
        pictures = film.add_stream_from_template(first.streams.video[0])
        queues = [_pictures(av, shots, pictures, facts.rate)]
        if sound is not None:
            source = opened.enter_context(av.open(str(sound)))
            queues.append(_sounds(film, source, facts.start_s))
        for _, _, packet in heapq.merge(*queues, key=lambda one: one[:2]):
            film.mux(packet)
    return path


def film_suffix(sound: Path) -> str:
    """Return how the name of a film ends that can take over another film's sounds.

    Args:
        sound: A film.

    Raises:
        InvalidInputError: Neither container has a place for them.
    """
    av = video_library()
    with av.open(str(sound)) as source, TemporaryDirectory(prefix="artgan-") as folder:
        names = [stream.codec_context.name for stream in source.streams.audio]
        for suffix, form in _CONTAINERS.items():
            with av.open(f"{folder}/tried{suffix}", "w", form) as film:
                try:
                    for stream in source.streams.audio:
                        film.add_stream_from_template(stream)
                except (ValueError, av.error.FFmpegError):
                    continue
                return suffix
    raise InvalidInputError(
        f"sound of the film must fit into MP4 or QuickTime, got {', '.join(names)}. Convert it to "
        "AAC first."
    )


Timed = tuple[Fraction, int, Any]


def _pictures(av: Any, shots: Sequence[Path], stream: Any, rate: Fraction) -> Iterator[Timed]:  # noqa: ANN401
    number = 0
    for shot in shots:
        with av.open(str(shot)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.dts is None:
                    continue  # the one that ends a file
                packet.pts = packet.dts = number
                packet.time_base, packet.duration, packet.stream = 1 / rate, 1, stream
                yield number / rate, 0, packet
                number += 1


def _sounds(film: Any, source: Any, start_s: Fraction) -> Iterator[Timed]:  # noqa: ANN401
    """Yield the packets of all sounds, on a clock that begins with the first picture."""
    targets = {}
    for stream in source.streams.audio:
        targets[stream.index] = film.add_stream_from_template(stream)
        if "language" in stream.metadata:
            targets[stream.index].metadata["language"] = stream.metadata["language"]
    return _shifted(source, targets, start_s)


def _shifted(source: Any, targets: dict[int, Any], start_s: Fraction) -> Iterator[Timed]:  # noqa: ANN401
    streams = [stream for stream in source.streams.audio if stream.index in targets]
    if not streams:
        return
    for packet in source.demux(*streams):
        if packet.dts is None:
            continue
        back = round(start_s / packet.time_base)
        packet.dts -= back
        packet.pts = packet.dts if packet.pts is None else packet.pts - back
        time, packet.stream = packet.dts * packet.time_base, targets[packet.stream.index]
        yield time, 1, packet

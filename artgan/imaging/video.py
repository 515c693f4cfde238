"""Film files read by FFmpeg, through the package av (PyAV), which need not be there."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from artgan.errors import CorruptAssetError, InvalidInputError, MissingAssetError
from artgan.imaging.clip import FULL, ClipFacts, ColourTags, at_rate, video_library

_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,av1,ivf,obu,"
    "flv,asf,ogg,nut,mxf,dv,gif,apng,yuv4mpegpipe,rm,wtv,gxf,r3d,swf"
)
"""Containers that are opened. Playlists are none of them: they name other files, of this machine
or of the network, which FFmpeg would open as well."""
_PLAIN = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
_FASTEST = 120
_USUAL = Fraction(25)
_SEEK_BEFORE_S = 2
_LONGEST_GAP_S = 600
# bicubic, chroma at full resolution, rounded rightly, the same on every machine
_SCALING = 0x4 | 0x2000 | 0x4000 | 0x40000 | 0x80000


class VideoClip:
    """A film file as frames at a constant rate.

    A film whose rate varies is brought to a constant one: each tick shows the newest frame that is
    there, so sound stays with the picture.

    Args:
        path: The file.
        long_side_px: Frames are made smaller to this long side; 0 leaves them as they are.

    Raises:
        MissingAssetError: It is not there, or the package av is not.
        InvalidInputError: It is no film, or has no pictures.
    """

    def __init__(self, path: Path, long_side_px: int = 0) -> None:
        self.path = path
        with _opened(path) as (container, stream):
            self.facts, self._stored = _look(path, container, stream, long_side_px)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
        """See `Clip`.

        Raises:
            CorruptAssetError: No frame can be decoded, or their times make no sense.
        """
        return self._within(start, stop, self._picture)

    def small_frames(self, width_px: int, height_px: int) -> Iterator[np.ndarray]:
        """Yield all frames made small, not upright: enough to compare them with each other."""
        size = {"width": width_px, "height": height_px}
        return self._within(0, None, lambda frame: self._rgb(frame, **size))

    def _within(
        self, start: int, stop: int | None, convert: Callable[[Any], np.ndarray]
    ) -> Iterator[np.ndarray]:
        shown, picture = None, None
        for tick, frame in self._ticks(start):
            if stop is not None and tick >= stop:
                return
            if tick >= start:
                if frame is not shown or picture is None:
                    shown, picture = frame, convert(frame)
                yield picture

    def _ticks(self, start: int) -> Iterator[tuple[int, Any]]:
        """Yield decoded frames by tick, from one at or before ``start``."""
        facts = self.facts
        for seek_s in (self._seek_s(start), None):
            with _opened(self.path) as (container, stream):
                if seek_s is not None and not _sought(container, stream, seek_s):
                    continue
                timed = _timed(self.path, container, stream, facts)
                ticks = at_rate(timed, facts.start_s, facts.rate)
                first = next(ticks, None)
                if first is None or (seek_s is not None and first[0] > start):
                    continue  # it led too far: once more, from the beginning
                yield first
                yield from ticks
                return
        raise CorruptAssetError(
            f"video must hold frames that can be decoded, got none in {self.path.name!r}. "
            "Take an intact copy."
        )

    def _seek_s(self, start: int) -> Fraction | None:
        ahead = start / self.facts.rate - _SEEK_BEFORE_S
        return self.facts.start_s + ahead if ahead > 0 else None

    def _picture(self, frame: Any) -> np.ndarray:  # noqa: ANN401
        facts, (width, height) = self.facts, self._stored
        cropped = abs(frame.width - width) <= 1 and abs(frame.height - height) <= 1
        size = {} if cropped else {"width": width, "height": height}
        picture = np.rot90(self._rgb(frame, **size), facts.turns)
        return np.ascontiguousarray(picture[: facts.height_px, : facts.width_px])

    def _rgb(self, frame: Any, **size: int) -> np.ndarray:  # noqa: ANN401
        wanted = size | {"interpolation": _SCALING, "dst_color_range": FULL, "threads": 1}
        if not frame.format.is_rgb:
            wanted |= {"src_color_range": self.facts.range, "src_colorspace": self.facts.matrix}
        return frame.reformat(format="rgb24", **wanted).to_ndarray()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a film; give its container and its stream of pictures."""
    av = video_library()
    if not path.is_file():
        raise MissingAssetError(f"video must be a file, got {str(path)!r}. Check the name.")
    try:
        container = av.open(str(path), options=dict(_PLAIN))
    except av.error.FFmpegError as error:
        words = error.strerror or type(error).__name__
        raise InvalidInputError(
            f"video must be a film file, got {path.name!r} ({words}). Convert it to MP4."
        ) from error
    with container:
        streams = [one for one in container.streams.video if not _is_cover(av, one)]
        if not streams:
            raise InvalidInputError(
                f"video must hold moving pictures, got none in {path.name!r}. Name another file."
            )
        streams[0].thread_type = "AUTO"
        yield container, streams[0]


def _sought(container: Any, stream: Any, seek_s: Fraction) -> bool:  # noqa: ANN401
    """Go to a key frame at or before a time; some files cannot."""
    av = video_library()
    try:
        container.seek(int(seek_s / stream.time_base), stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _is_cover(av: Any, stream: Any) -> bool:  # noqa: ANN401
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _look(
    path: Path,
    container: Any,  # noqa: ANN401
    stream: Any,  # noqa: ANN401
    long_side_px: int,
) -> tuple[ClipFacts, tuple[int, int]]:
    """Return a film's facts, and width and height of its frames before they are turned."""
    first = next(_decoded(container, stream), None)
    if first is None:
        raise InvalidInputError(
            f"video must hold frames that can be decoded, got none in {path.name!r}. Take an "
            "intact copy, or convert it to MP4."
        )
    turns = round((first.rotation or 0) / 90) % 4
    scale = min(1.0, long_side_px / max(first.width, first.height)) if long_side_px else 1.0
    width, height = (_even(scale * side) for side in (first.width, first.height))
    aspect = stream.sample_aspect_ratio or Fraction(1)
    upright = (height, width) if turns % 2 else (width, height)
    facts = ClipFacts(
        *upright,
        rate=_rate(stream),
        tags=_tags(first),
        start_s=Fraction(0) if first.pts is None else first.pts * stream.time_base,
        aspect=1 / aspect if turns % 2 else aspect,
        turns=turns,
        audio=tuple(one.codec_context.name for one in container.streams.audio),
    )
    return facts, (width, height)


def _even(side: float) -> int:
    """Round to the nearest even number below or at a side: chroma comes by two pixels."""
    return max(2, math.floor(round(side, 6) / 2) * 2)


def _rate(stream: Any) -> Fraction:  # noqa: ANN401
    """Return the constant rate of a film: the nominal one, where that is one for eyes."""
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate and 0 < rate <= _FASTEST:
            return Fraction(rate)
    return _USUAL


def _tags(frame: Any) -> ColourTags:  # noqa: ANN401
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if frame.format.is_rgb:  # whose matrix and range say nothing of luma and differences
        return ColourTags(primaries, transfer)
    is_full = frame.format.name.startswith("yuvj")
    return ColourTags(
        primaries, transfer, int(frame.colorspace), FULL if is_full else int(frame.color_range)
    )


def _decoded(container: Any, stream: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield the frames that can be decoded; where one is torn, that before it stands longer."""
    av = video_library()
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
        except av.error.FFmpegError:  # cut off in the middle
            return
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from frames


def _timed(
    path: Path,
    container: Any,  # noqa: ANN401
    stream: Any,  # noqa: ANN401
    facts: ClipFacts,
) -> Iterator[tuple[Fraction, Any]]:
    """Yield frames with their times in seconds; without one, a frame follows the one before it."""
    last = facts.start_s - 1 / facts.rate
    is_first = True
    for frame in _decoded(container, stream):
        time = last + 1 / facts.rate if frame.pts is None else frame.pts * stream.time_base
        if not is_first and time - last > _LONGEST_GAP_S:
            raise CorruptAssetError(
                f"video must go on within {_LONGEST_GAP_S} s, got a gap of {float(time - last):.0f}"
                f" s in {path.name!r}. Cut it in two there."
            )
        last, is_first = time, False
        yield time, frame

"""Small films for tests, written by PyAV itself and not by what is tested."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SIZE = (48, 64)


def drawn(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture of soft shapes, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] / 9.0
    slopes = rng.uniform(0.3, 1, (3, 2))
    waves = [np.sin(down * rows + right * columns) for down, right in slopes]
    return (128 + 90 * np.stack(waves, axis=2)).astype(np.uint8)


def moving(seed: int, count: int, size: tuple[int, int] = SIZE) -> list[np.ndarray]:
    """A picture that a camera passes over, a pixel and a half at a time; its middle stays."""
    whole = drawn(seed, (size[0], size[1] + 2 * count))
    return [np.ascontiguousarray(whole[:, 3 * n // 2 : 3 * n // 2 + size[1]]) for n in range(count)]


def write_film(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    rate: Fraction = Fraction(25),
    times: Sequence[int] | None = None,
    tags: tuple[int, int, int, int] = (1, 1, 1, 1),
    sound: str | None = None,
    turned: int = 0,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
) -> Path:
    """Write a film; with ``times`` in ticks of the rate, at a rate that varies."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        coder = stream.codec_context
        coder.color_primaries, coder.color_trc, coder.colorspace, coder.color_range = tags
        coder.time_base = 1 / rate
        if codec == "libx264":
            coder.options = {"crf": "4", "g": "12"}
        if turned:
            stream.set_display_rotation(turned)
        if sound:
            heard = container.add_stream(sound, rate=48000, layout="mono")
            heard.codec_context.bit_rate = 64_000
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
                format=pix_fmt, dst_colorspace=1, src_color_range=2, dst_color_range=tags[3] or 1
            )
            frame.pts, frame.time_base = (times or range(len(frames)))[number], 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound:
            _play(container, heard, len(frames) / rate)
    return path


def _play(container, stream, seconds) -> None:
    tone = np.sin(np.arange(round(float(seconds) * 48000)) * 0.05) * 8000
    frame = av.AudioFrame.from_ndarray(tone.astype(np.int16)[None], "s16", "mono")
    frame.rate, frame.pts = 48000, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def frames_of(path: Path) -> list[np.ndarray]:
    """Decode a film by PyAV alone, as it lies in the file."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def packets_of(path: Path, kind: str) -> list[tuple[float, bytes]]:
    """Return times in seconds and bytes of all packets of a kind of stream."""
    with av.open(str(path)) as container:
        streams = getattr(container.streams, kind)
        found = [packet for packet in container.demux(*streams) if packet.dts is not None]
        return [(float(one.pts * one.time_base), bytes(one)) for one in found]

"""Films read and written, checked by PyAV alone."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.clip import ColourTags, at_rate
from artgan.imaging.video import VideoClip
from artgan.imaging.video_mark import mark_film, read_film_mark
from artgan.imaging.video_write import FilmWords, film_suffix, join_shots, write_shot
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from tests.films import drawn, frames_of, moving, packets_of, write_film

WORDS = FilmWords("A title", "What it is.")
NTSC = Fraction(30000, 1001)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_frames_come_upright_in_order_and_from_anywhere(tmp_path: Path) -> None:
    frames = moving(1, 120)
    clip = VideoClip(write_film(tmp_path / "film.mp4", frames, rate=NTSC))
    assert clip.facts.rate == NTSC
    found = list(clip.frames())
    assert len(found) == 120
    for own, shown in zip(frames, found, strict=True):
        assert apart(own, shown) < 4
        assert apart(own, shown) < apart(own, frames[0]) or own is frames[0]
    late = list(clip.frames(90, 95))
    assert all((one == other).all() for one, other in zip(late, found[90:95], strict=True))


@pytest.mark.parametrize(
    ("tags", "height"),
    [
        ((1, 1, 1, 1), 720),
        ((9, 16, 9, 1), 48),
        ((1, 13, 1, 2), 48),
        ((2, 2, 2, 0), 48),
        ((1, 1, 1, 1), 542),  # half of it is odd
    ],
)
def test_colours_and_what_is_said_of_them_survive(
    tmp_path: Path, tags: tuple[int, int, int, int], height: int
) -> None:
    frames = [drawn(2, (height, 64))] * 3
    clip = VideoClip(write_film(tmp_path / "film.mp4", frames, tags=tags))
    assert clip.facts.tags == ColourTags(*tags)
    write_shot(tmp_path / "shot.mp4", clip.frames(), clip.facts)
    path = join_shots([tmp_path / "shot.mp4"], tmp_path / "..", clip.facts, WORDS)
    again = VideoClip(path)
    assert again.facts == clip.facts
    for one, other in zip(clip.frames(), again.frames(), strict=True):
        assert apart(one, other) < 2.5
        assert np.abs(one.mean((0, 1)) - other.mean((0, 1))).max() < 0.8


def test_a_phone_held_upright_gives_upright_frames(tmp_path: Path) -> None:
    frames = moving(3, 4)
    clip = VideoClip(write_film(tmp_path / "film.mp4", frames, turned=-90))
    assert (clip.facts.width_px, clip.facts.height_px) == (48, 64)
    assert apart(next(clip.frames()), np.rot90(frames[0], -1)) < 4


def test_sides_become_even_and_as_long_as_asked_for(tmp_path: Path) -> None:
    frames = [drawn(4, (51, 75))] * 2
    path = write_film(
        tmp_path / "film.mkv", frames, codec="ffv1", pix_fmt="yuv444p", tags=(2, 2, 2, 0)
    )
    whole = VideoClip(path)
    assert next(whole.frames()).shape == (50, 74, 3)
    assert apart(next(whole.frames()), frames_of(path)[0][:50, :74]) < 2
    small = VideoClip(path, 40)
    assert next(small.frames()).shape == (26, 40, 3)
    assert (small.facts.width_px, small.facts.height_px) == (40, 26)


def test_a_rate_that_varies_becomes_constant_and_sound_stays_in_time(tmp_path: Path) -> None:
    frames = moving(5, 8)
    times = [0, 1, 2, 6, 7, 9, 10, 11]
    path = write_film(tmp_path / "film.mkv", frames, times=times, sound="flac")
    clip = VideoClip(path)
    shown = list(clip.frames())
    assert len(shown) == 12
    assert shown[3] is shown[2]
    assert shown[5] is shown[2]
    assert apart(shown[6], frames[3]) < 4
    write_shot(tmp_path / "shot.mp4", shown, clip.facts)
    joined = join_shots([tmp_path / "shot.mp4"], tmp_path, clip.facts, WORDS, path)
    with av.open(str(joined)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert times == pytest.approx([n / 25 for n in range(12)])
    assert packets_of(joined, "audio") == packets_of(path, "audio")


def test_ticks_show_the_newest_and_drop_what_is_too_much() -> None:
    timed = [(Fraction(n, 100), n) for n in (0, 1, 2, 12, 11, 30)]
    assert list(at_rate(timed, Fraction(0), Fraction(10))) == [(0, 2), (1, 12), (2, 12), (3, 30)]


@pytest.mark.parametrize(
    ("name", "sound", "suffix"),
    [
        ("a.mp4", "aac", ".mp4"),
        ("b.mov", "pcm_s16le", ".mp4"),
        ("c.mkv", "libopus", ".mp4"),
        ("d.mov", "pcm_mulaw", ".mov"),
    ],
)
def test_shots_join_without_a_gap_and_sound_is_copied(
    tmp_path: Path, name: str, sound: str, suffix: str
) -> None:
    source = write_film(tmp_path / name, moving(6, 30), sound=sound)
    clip = VideoClip(source)
    assert clip.facts.audio
    shots = []
    for start, stop in ((0, 11), (11, 12), (12, 30)):
        shots.append(tmp_path / f"{start}.mp4")
        assert write_shot(shots[-1], clip.frames(start, stop), clip.facts) == stop - start
    path = join_shots(shots, tmp_path, clip.facts, WORDS, source)
    assert path.suffix == suffix
    made, given = packets_of(path, "audio"), packets_of(source, "audio")
    assert [content for _, content in made] == [content for _, content in given]
    ahead = given[0][0] - made[0][0]
    assert ahead == pytest.approx(float(clip.facts.start_s), abs=0.002)
    singly = [frame for shot in shots for frame in frames_of(shot)]
    assert all((a == b).all() for a, b in zip(frames_of(path), singly, strict=True))
    with av.open(str(path)) as container:
        assert container.metadata["title"] == "A title"
        assert container.metadata["comment"] == "What it is."
        assert container.streams.video[0].average_rate == 25


def test_sound_that_fits_no_film_is_refused_before_there_is_work(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.wmv", moving(6, 9), sound="wmav2", codec="wmv2")
    with pytest.raises(InvalidInputError, match="MP4 or QuickTime, got wmav2"):
        film_suffix(path)


def test_the_same_frames_are_the_same_bytes(tmp_path: Path) -> None:
    clip = VideoClip(write_film(tmp_path / "film.mp4", moving(7, 12)))
    for name in ("one.mp4", "two.mp4"):
        write_shot(tmp_path / name, clip.frames(), clip.facts)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_the_mark_is_read_back_and_players_do_not_mind_it(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", moving(8, 5))
    assert read_film_mark(path) == {}
    before = frames_of(path)
    term = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
    mark_film(path, xmp_packet(term, Provenance(note="Not by that maker.")))
    found = read_film_mark(path)
    assert found["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
    assert found["note"] == "Not by that maker."
    assert all((a == b).all() for a, b in zip(before, frames_of(path), strict=True))
    content = path.read_bytes()
    for cut in (0, 5, 40, len(content) - 10):
        path.write_bytes(content[:cut])
        assert read_film_mark(path) == {}


def test_a_film_that_was_cut_off_gives_the_frames_that_are_there(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv", moving(9, 40))
    content = path.read_bytes()
    path.write_bytes(content[: 2 * len(content) // 3])
    assert 5 < len(list(VideoClip(path).frames())) < 40


def test_what_is_no_film_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingAssetError, match="video must be a file"):
        VideoClip(tmp_path / "none.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("no film at all")
    with pytest.raises(InvalidInputError, match="video must be a film file"):
        VideoClip(text)
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), "s16", "mono")
        frame.rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InvalidInputError, match="moving pictures, got none"):
        VideoClip(tmp_path / "sound.mp4")


def test_a_playlist_that_names_other_files_is_not_followed(tmp_path: Path) -> None:
    secret = write_film(tmp_path / "secret.ts", moving(10, 30))
    playlist = tmp_path / "film.m3u8"
    playlist.write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n{secret}\n#EXT-X-ENDLIST\n"
    )
    listed = tmp_path / "film.mp4"
    listed.write_text(f"ffconcat version 1.0\nfile '{secret.name}'\n")
    for path in (playlist, listed):
        with pytest.raises(InvalidInputError, match="must be a film file"):
            VideoClip(path)

"""Films decoded in children: the same frames, nothing left behind, and a death is a sentence."""

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.imaging.video import VideoClip
from artgan.imaging.video_write import FilmWords, join_shots, write_shot
from artgan.ingest import films
from artgan.ingest.decoder_process import Child
from artgan.ingest.films import FilmClip
from tests.films import moving, write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a film, with sound; one of its frames stands for three."""
    folder = tmp_path_factory.mktemp("films")
    times = [n for n in range(27) if n not in {11, 12}]
    return write_film(folder / "film.mp4", moving(1, 25), times=times, sound="aac")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """The children that clips start."""
    found: list[Child] = []

    def start(*asked: object) -> Child:
        found.append(Child(*asked))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(films, "Child", start)
    return found


def test_facts_and_frames_are_those_of_the_film_itself(film: Path, started: list[Child]) -> None:
    own, clip = VideoClip(film, 40), FilmClip(film, 40, sound=True)
    assert clip.facts == own.facts
    shown = list(clip.frames())
    assert all(np.array_equal(one, other) for one, other in zip(shown, own.frames(), strict=True))
    assert np.array_equal(next(iter(clip.frames(9, 10))), shown[9])
    assert sum(one is other for one, other in pairwise(shown)) == 2
    assert len(list(clip.small_frames(8, 6))) == len(shown)
    clip.close()
    assert len(started) <= 2, "a child that has given all is asked again"
    assert all(child.process.poll() is not None for child in started)


def test_frames_that_nobody_takes_leave_no_child(film: Path, started: list[Child]) -> None:
    clip = FilmClip(film)
    next(clip.frames())
    assert started[0].process.poll() is not None
    clip.close()


def test_shots_are_joined_with_the_sound_as_they_would_be_here(film: Path, tmp_path: Path) -> None:
    clip, words = FilmClip(film), FilmWords("A title", "What it is.")
    write_shot(tmp_path / "shot.mp4", clip.frames(), clip.facts)
    (tmp_path / "here").mkdir()
    here = join_shots([tmp_path / "shot.mp4"], tmp_path / "here", clip.facts, words, film)
    made = clip.join([tmp_path / "shot.mp4"], tmp_path, words, sound=True)
    clip.close()
    assert made.read_bytes() == here.read_bytes()
    assert VideoClip(made).facts.audio == ("aac",)


def test_a_decoder_that_dies_is_a_sentence_about_the_film(film: Path, started: list[Child]) -> None:
    clip = FilmClip(film)
    frames = clip.frames()
    next(frames)
    os.kill(started[0].process.pid, signal.SIGSEGV)
    with pytest.raises(CorruptAssetError, match="a decoder that died of SIGSEGV in"):
        list(frames)
    assert len(list(clip.frames())) > 20, "the next look has a child of its own"
    clip.close()


def test_a_child_that_sends_more_than_a_frame_is_ended(film: Path, started: list[Child]) -> None:
    clip = FilmClip(film)
    clip.facts = type(clip.facts)(2, 2, clip.facts.rate)
    with pytest.raises(CorruptAssetError, match="said more than it was asked for"):
        next(clip.frames())
    assert started[0].process.poll() is not None


def test_what_is_no_film_is_refused_as_ever(tmp_path: Path, started: list[Child]) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no film")
    with pytest.raises(InvalidInputError, match=r"video must be a film file, got 'notes\.mp4'"):
        FilmClip(path)
    assert all(child.process.poll() is not None for child in started)


def test_this_process_never_loads_the_decoder(film: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from artgan.ingest.films import FilmClip;"
        f"clip = FilmClip(Path({str(film)!r})); print(len(list(clip.frames())));"
        "clip.close(); print('av' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, loaded = found.stdout.split()
    assert (int(count), loaded) == (27, "False")

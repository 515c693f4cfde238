"""Films by the flow: shot by shot, with their sound, whatever happens on the way."""

import json
from pathlib import Path

import pytest

import tasks.film_shots
from artgan.catalog.schema import OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.config import FilmSettings
from artgan.errors import ArtganError, CorruptAssetError, InvalidInputError
from artgan.imaging.clip import ClipFacts
from artgan.imaging.video_mark import read_film_mark
from artgan.imaging.video_write import write_shot
from artgan.imaging.write import png_bytes
from artgan.report.films import films
from artgan.report.site import build_site
from artgan.report.snapshot import Snapshot
from artgan.report.thumbs import open_thumbnails
from flows.__main__ import run
from flows.film import film
from tests.films import drawn, frames_of, moving, packets_of, write_film
from tests.flows.test_stylize import add_painter, add_work

SHOTS = ((1, 9), (2, 14), (3, 6))
FRAMES = sum(count for _, count in SHOTS)


@pytest.fixture
def archive(tmp_path: Path) -> Catalog:
    """Two collections of four works, and a painter of one."""
    catalog = open_catalog(str(tmp_path / "root"))
    for collection in ("mist", "sunflowers"):
        for number in range(4):
            add_work(catalog, collection, number, tmp_path)
    add_painter(catalog, "fast", "mist")
    return catalog


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three shots, with sound."""
    frames = [frame for seed, count in SHOTS for frame in moving(seed, count)]
    return write_film(tmp_path_factory.mktemp("film") / "walk.mkv", frames, sound="flac")


def asked(catalog: Catalog, **more: object) -> FilmSettings:
    return FilmSettings.model_validate({"root": catalog.store.root, "collections": ["mist"]} | more)


def made(catalog: Catalog) -> dict[str, dict]:
    return {row["method"]: row for row in catalog.rows(OUTPUTS)}


def check_report(archive: Catalog) -> None:
    """Two films of three shots stand on the collection's page, with strips and numbers."""
    shown = films(Snapshot(archive).outputs("mist", "film"), open_thumbnails(archive.store))
    assert all(one.thumbnail and "times that of the source" in one.steadiness for one in shown)
    assert all("3 shots" in one.title for one in shown)
    build_site(archive, "a run")
    page = archive.store.read("reports/collections/mist/index.html").decode()
    assert page.count("times that of the source") == 4
    assert all(one.thumbnail and Path(one.thumbnail.key).name in page for one in shown)


def test_a_film_is_made_once_with_its_sound_its_mark_and_its_numbers(
    archive: Catalog, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = asked(archive, video=str(video), methods=["color", "fast"])
    assert film(settings)["done"] == 2
    rows = made(archive)
    assert set(rows) == {"color", "fast"}
    contents = set()
    for method, row in rows.items():
        path = Path(archive.store.root) / row["output_path"]
        contents.add(path.read_bytes())
        assert (row["kind"], row["scan_id"], row["frames"], row["shots"]) == ("film", None, 29, 3)
        assert row["seconds_long"] == pytest.approx(29 / 25)
        assert len(frames_of(path)) == FRAMES
        assert packets_of(path, "audio") == packets_of(video, "audio")
        mark = read_film_mark(path)
        assert mark["digital_source_type"] == row["digital_source_type"]
        assert mark["source_sha256"] == row["source_sha256"]
        assert "in the manner of mist" in mark["note"]
        assert row["warping_error"] > 0
        assert row["source_frame_difference"] > 0
        report = json.loads(archive.store.read(row["report_path"]))
        assert [shot["frames"] for shot in report["shots"]] == [count for _, count in SHOTS]
        assert report["steadiness"]["warping_error"] == row["warping_error"]
        assert archive.store.exists(row["preview_path"]), method
        assert run(["verify", str(path)]) == 0
        assert "digital_source_type" in capsys.readouterr().out
        assert run(["verify", str(path), "--root", archive.store.root]) == 0
        assert "exactly a file of this archive" in capsys.readouterr().out
    assert len(contents) == 2
    assert not film(settings).get("done")
    assert len(archive.rows(OUTPUTS)) == 2
    assert not archive.store.entries("_work")
    check_report(archive)


def test_a_run_that_died_goes_on_in_the_middle_of_a_shot_to_the_same_bytes(
    archive: Catalog, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = asked(archive, video=str(video), methods=["fast"])
    monkeypatch.setattr(tasks.film_shots, "PIECE", 4)
    lives = [2, 3, 99]
    pieces: list[Path] = []

    def mortal(path: Path, frames: object, facts: ClipFacts) -> int:
        if lives[0] == 0:
            raise RuntimeError("the power failed")
        lives[0] -= 1
        pieces.append(path)
        return write_shot(path, frames, facts)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(tasks.film_shots, "write_shot", mortal)
    monkeypatch.setenv("ARTGAN_TASK_WORKERS", "1")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the power failed"):
            film(settings)
        del lives[0]
    assert film(settings)["done"] == 1
    assert len(pieces) == 3 + 4 + 2, "a piece was made twice, or not at all"
    (row,) = archive.rows(OUTPUTS)
    other = open_catalog(str(tmp_path / "undisturbed"))
    other.append(SCANS, archive.rows(SCANS))
    for entry in archive.store.entries("access"):
        other.store.write(entry.key, archive.store.read(entry.key))
    add_painter(other, "fast", "mist")
    film(asked(other, video=str(video), methods=["fast"]))
    (undisturbed,) = other.rows(OUTPUTS)
    for name in ("output_id", "output_sha256", "report_sha256", "warping_error", "shots"):
        assert row[name] == undisturbed[name], name


def test_what_cannot_be_made_is_a_row_and_its_finished_shots_are_kept(
    archive: Catalog, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = asked(archive, video=str(video))

    def torn(path: Path, frames: object, facts: ClipFacts) -> int:
        if "shots" in torn.__dict__:
            raise CorruptAssetError("video must be whole, got half of it. Take an intact copy.")
        torn.__dict__["shots"] = 1
        return write_shot(path, frames, facts)  # pyright: ignore[reportArgumentType]

    monkeypatch.setenv("ARTGAN_TASK_WORKERS", "1")
    with monkeypatch.context() as patched:
        patched.setattr(tasks.film_shots, "write_shot", torn)
        with pytest.raises(ArtganError, match="failed fraction must be at most 0"):
            film(settings)
    (row,) = archive.rows(OUTPUTS)
    assert row["status"] == "failed"
    assert "half of it" in row["message"]
    kept = [entry.key for entry in archive.store.entries("_work/shots")]
    assert sum(key.endswith(".mp4") for key in kept) == 1
    assert film(settings)["done"] == 1
    (row,) = archive.rows(OUTPUTS)
    assert row["status"] == "ok"


def test_a_camera_passes_over_a_work_that_is_large_enough(archive: Catalog) -> None:
    small, large = [row for row in archive.rows(SCANS) if row["collection"] == "sunflowers"][:2]
    archive.store.write(large["access_path"], png_bytes(drawn(1, (120, 160))))
    archive.replace(SCANS, [large | {"width_px": 160, "height_px": 120}])
    assert film(asked(archive, pan=large["scan_id"][:12], pan_s=0.2, strength=0.5))["done"] == 1
    (row,) = archive.rows(OUTPUTS)
    assert (row["scan_id"], row["frames"], row["shots"]) == (large["scan_id"], 5, 1)
    assert (row["width_px"], row["height_px"]) == (96, 72)
    with pytest.raises(InvalidInputError, match="sides of at least 54 pixels"):
        film(asked(archive, pan=small["scan_id"][:12]))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--video", "{text}"], "video must be a film file, got 'text.mp4'"),
        (["--video", "{none}"], "video must be a file, got"),
        ([], "video or pan must be given, one of them, got neither"),
        (["--pan", "0123456789"], "scan must name one scan of the archive"),
        (["--video", "{film}", "--methods", "optim"], "--methods"),
        (["--video", "{film}", "--style", "year_from > 3000"], "style must fit at least one scan"),
    ],
)
def test_wrong_wishes_cost_a_sentence(
    archive: Catalog,
    video: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    words: str,
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no film at all")
    places = {"text": text, "none": tmp_path / "none.mp4", "film": video}
    given = [flag.format(**places) for flag in flags]
    assert run(["film", "--root", archive.store.root, *given]) == 2
    assert words in capsys.readouterr().err

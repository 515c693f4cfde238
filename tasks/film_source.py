"""Where a film comes from: a file, or a camera that passes over a work."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from artgan.catalog.table import Catalog
from artgan.catalog.works import access_size, find_work
from artgan.config import FilmSettings
from artgan.imaging.read import read_rgb
from artgan.ingest.films import FilmClip
from artgan.keys import file_sha256, key
from artgan.storage import Store, store_at
from artgan.stylize.video_pan import SEEN, PannedClip
from artgan.stylize.video_shots import HEIGHT_PX, WIDTH_PX, Cutting, Shot, find_shots
from tasks.outputs import Row, content_of

Film = dict[str, Any]
"""What is known of a film before its frames are: JSON's values, so that tasks can pass it on. Its
``name`` is a hash of its content."""


def describe_film(catalog: Catalog, settings: FilmSettings) -> Film:
    """Say which film is asked for, by content.

    Raises:
        ArtganError: It is not there, or no film.
    """
    if settings.pan is not None:
        work = find_work(catalog, settings.pan)
        return {
            "name": key(work["scan_id"], settings.pan_s),
            "sha256": content_of(work),
            "title": work["title"] or "A work",
            "video": None,
            "scan_id": work["scan_id"],
            "access_path": work["access_path"],
            "size_px": access_size(work),
            "pan_s": settings.pan_s,
        }
    assert settings.video is not None, "FilmSettings asks for one of the two"
    with video_file(settings.video) as path:
        FilmClip(path, sound=True).close()  # refuses what cannot be made, before there is work
        sha256 = file_sha256(path)
    title = settings.video.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    film = {"name": key(sha256), "sha256": sha256, "title": title, "video": settings.video}
    return film | {"scan_id": None}


@contextmanager
def video_file(address: str) -> Iterator[Path]:
    """Give a film as a file of this machine."""
    address = address.removeprefix("file://")
    if "://" in address:
        folder, name = address.rsplit("/", 1)
        with store_at(folder).local(name) as path:
            yield path
    else:
        yield Path(address).expanduser().absolute()


@contextmanager
def opened_clip(store: Store, film: Film, shape: Row) -> Iterator[FilmClip | PannedClip]:
    """Give the frames of a film in the size asked for."""
    long_side_px = shape["long_side_px"]
    if film["video"] is not None:
        with video_file(film["video"]) as path, closing(FilmClip(path, long_side_px)) as clip:
            yield clip
        return
    longest, shortest = max(film["size_px"]), min(film["size_px"])
    scale = min(1.0, long_side_px / SEEN / longest) if long_side_px else 1.0
    picture = read_rgb(store.read(film["access_path"]), max(1, round(scale * shortest)))
    yield PannedClip(picture, film["pan_s"])


def cut_clip(clip: FilmClip | PannedClip) -> Cutting:
    """Find the shots of a clip; a pan is one."""
    if isinstance(clip, PannedClip):
        return Cutting([Shot(0, clip.length)], 0)
    return find_shots(clip.small_frames(WIDTH_PX, HEIGHT_PX))

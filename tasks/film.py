"""Tasks of the film flow."""

import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.table import open_catalog
from artgan.config import FilmSettings
from artgan.errors import ArtganError, MissingAssetError
from artgan.imaging.clip import ClipFacts
from artgan.imaging.video_mark import mark_film
from artgan.imaging.video_write import FilmWords, join_shots
from artgan.imaging.write import png_bytes
from artgan.ingest.films import FilmClip
from artgan.keys import VERSION, digest, key
from artgan.provenance import Provenance, xmp_packet
from artgan.signing import sign_file, signed_bytes
from artgan.storage import Store
from artgan.stylize.video import Steadiness
from artgan.stylize.video_pan import PannedClip
from artgan.stylize.video_shots import Cutting, Shot
from artgan.stylize.video_strip import COLUMNS, strip
from tasks.chunks import Manifest, Plan, remembered
from tasks.film_shots import Manner, Pieces, make_shot
from tasks.film_source import Film, cut_clip, describe_film, opened_clip
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    plan_outputs,
    put_output,
    stage_of,
    write_output,
)
from tasks.styles import Studio, finish_of, style_of, style_works
from tasks.stylize import source_type

_SHOTS = "_work/shots"
_MOST_TASKS = 32  # each opens the film anew, and copies it where it lies on S3


@task(cache_policy=NO_CACHE)
def open_film(settings: FilmSettings) -> Film:
    """Look at the film that is asked for."""
    return describe_film(open_catalog(settings.root), settings)


@task(cache_policy=NO_CACHE, task_run_name="plan-film-{collection}")
def plan_films(settings: FilmSettings, collection: str, film: Film) -> Plan[Row]:
    """Return the films still to be made in the collection's style, one for each method."""
    log = get_run_logger()
    catalog, styles = open_catalog(settings.root), settings.styles()
    chosen = style_works(catalog, styles, collection)
    jobs: list[Row] = []
    for method in settings.methods if chosen else []:
        try:
            style = style_of(catalog, styles, collection, method, chosen)
        except MissingAssetError as error:
            log.warning("%s: %s", collection, error)
            continue
        shape = _shape(settings, method)
        identity = key(VERSION, "film", collection, film["name"], style["style"], shape)
        jobs.append(style | {"output_id": identity, "shape": shape})
    work = plan_outputs(catalog, "film", collection, jobs)
    log.info("%s: %d films, %d to make", collection, len(jobs), len(work.todo))
    return work


def _shape(settings: FilmSettings, method: str) -> Row:
    """Return what shapes the pixels, beside film and style; what is not asked for is left out."""
    shape: Row = {
        "method": method,
        "long_side_px": settings.long_side_px,
        "steadiness": settings.steadiness,
    }
    if settings.strength != 1:
        shape["strength"] = settings.strength
    if settings.keep_colours:
        shape["keep_colours"] = True
    return shape


def _folder(film: Film) -> str:
    return f"{_SHOTS}/{film['name']}"


@task(cache_policy=NO_CACHE)
def cut_film(settings: FilmSettings, film: Film, job: Row) -> dict[str, Any]:
    """Find the shots of the film; kept, since it takes a pass over all frames."""
    store = open_catalog(settings.root).store
    path = f"{_folder(film)}/shots.json"
    if store.exists(path):
        return json.loads(store.read(path))
    with opened_clip(store, film, job["shape"]) as clip:
        cutting = cut_clip(clip)
    found = {
        "shots": [[shot.start, shot.stop] for shot in cutting.shots],
        "repeated": cutting.repeated,
    }
    store.write(path, json.dumps(found).encode())
    log = get_run_logger()
    log.info("%d shots, %d frames", len(cutting.shots), cutting.shots[-1].stop)
    if cutting.repeated:
        log.info("%d frames repeat one before: its own rate varies", cutting.repeated)
    return found


def share_out(cuts: dict[str, Any]) -> list[list[int]]:
    """Share the numbers of a film's shots out to tasks, neighbours together."""
    count = len(cuts["shots"])
    size = -(-count // _MOST_TASKS)
    return [list(range(at, min(at + size, count))) for at in range(0, count, size)]


@task(cache_policy=NO_CACHE, task_run_name="film-shots-{collection}")
def film_shots(
    settings: FilmSettings,
    collection: str,  # noqa: ARG001 - names the task
    film: Film,
    job: Row,
    cuts: dict[str, Any],
    numbers: list[int],
) -> str | None:
    """Make some shots of a film; return why they could not be made."""
    log = get_run_logger()
    store, shape = open_catalog(settings.root).store, job["shape"]
    pieces = Pieces(store, f"{_folder(film)}/{job['output_id']}")
    try:
        manner = Manner(Studio(store, None).stylizer(job), finish_of(shape), shape["steadiness"])
        with opened_clip(store, film, shape) as clip:
            for number in numbers:
                frames = make_shot(clip, manner, pieces, number, Shot(*cuts["shots"][number]))
                log.info("shot %d of %d: %d frames", number + 1, len(cuts["shots"]), frames)
    except ArtganError as error:
        return str(error)
    return None


@task(cache_policy=NO_CACHE, task_run_name="join-film-{collection}")
def join_film(
    settings: FilmSettings,
    collection: str,
    film: Film,
    job: Row,
    cuts: dict[str, Any],
    troubles: list[str | None],
) -> Manifest:
    """Join the shots of a film with its sound; return its row."""
    store, method = open_catalog(settings.root).store, job["shape"]["method"]
    cutting = Cutting([Shot(*shot) for shot in cuts["shots"]], cuts["repeated"])
    row = {
        "output_id": job["output_id"],
        "kind": "film",
        "collection": collection,
        "scan_id": film["scan_id"],
        "model_id": job["model_id"],
        "method": method,
        "settings_json": json.dumps(job["shape"]),
        "digital_source_type": source_type(method),
        "source_sha256": film["sha256"],
    }
    pieces = Pieces(store, f"{_folder(film)}/{job['output_id']}")

    def make() -> Row:
        for trouble in troubles:
            if trouble is not None:
                raise ArtganError(trouble)
        return _join(collection, film, job, pieces, cutting)

    def make_row() -> Manifest:
        made = attempt(row, make)
        if made["status"] == "ok":
            spent = [pieces.steadiness(*one)[1] for one in enumerate(cutting.shots)]
            made["seconds"] += sum(spent)
        return [made]

    return remembered(store, stage_of("film", collection), [job["output_id"]], make_row)


def _join(collection: str, film: Film, job: Row, pieces: Pieces, cutting: Cutting) -> Row:
    store, method = pieces.store, job["shape"]["method"]
    note = f"A film rendered in the manner of {collection} by {method}; not by that maker."
    packet = xmp_packet(
        source_type(method),
        Provenance(
            source_sha256=film["sha256"],
            model_id=job["model_id"],
            settings_sha256=digest(job["shape"]),
            title=film["title"],
            note=note,
        ),
    )
    place = f"outputs/film/{collection}/{job['output_id']}"
    with ExitStack() as held:
        shots = [held.enter_context(store.local(one)) for one in pieces.films(cutting.shots)]
        clip = held.enter_context(opened_clip(store, film, job["shape"]))
        scratch = held.enter_context(store.scratch())
        words = FilmWords(film["title"], note)
        if isinstance(clip, FilmClip):
            path = clip.join(shots, scratch, words, sound=bool(clip.facts.audio))
        else:
            path = join_shots(shots, scratch, clip.facts, words)
        mark_film(path, packet)
        sign_file(path, source_type(method), film["title"])
        preview = _preview(clip, path, cutting.shots[-1].stop)
        content = signed_bytes(
            png_bytes(preview, packet), ".png", source_type(method), film["title"]
        )
        report = _report(clip.facts, pieces, cutting)
        written = write_output(store, f"{place}.json", json.dumps(report, indent=1).encode())
        return (
            put_output(store, f"{place}{path.suffix}", path)
            | {
                "preview_path": write_output(store, f"{place}.png", content)["output_path"],
                "report_path": written["output_path"],
                "report_sha256": written["output_sha256"],
                "width_px": clip.facts.width_px,
                "height_px": clip.facts.height_px,
                "bit_depth": 8,
                "frames": cutting.shots[-1].stop,
                "shots": len(cutting.shots),
                "seconds_long": float(cutting.shots[-1].stop / clip.facts.rate),
            }
            | report["steadiness"]
        )


def _preview(clip: FilmClip | PannedClip, path: Path, frames: int) -> Any:  # noqa: ANN401
    """Draw frames of a film above what was made of them, evenly spread."""
    count = min(COLUMNS, frames)
    chosen = [(2 * at + 1) * frames // (2 * count) for at in range(count)]
    with closing(FilmClip(path)) as made:
        rows = [
            [frame for at in chosen for frame in one.frames(at, at + 1)] for one in (clip, made)
        ]
    return strip(*rows)


def _report(facts: ClipFacts, pieces: Pieces, cutting: Cutting) -> dict[str, Any]:
    """Return what is to be known of a film beside its row."""
    total, shots = Steadiness(), []
    for number, shot in enumerate(cutting.shots):
        found, _ = pieces.steadiness(number, shot)
        shots.append({"first_frame": shot.start, "frames": shot.length} | found.means())
        total += found
    return {
        "frames_per_second": str(facts.rate),
        "colour_code_points": vars(facts.tags),
        "pixel_aspect": str(facts.aspect),
        "sound": list(facts.audio),
        "repeated_frames": cutting.repeated,
        "steadiness": total.means(),
        "shots": shots,
    }


@task(cache_policy=NO_CACHE, task_run_name="commit-film-{collection}")
def commit_films(
    settings: FilmSettings, collection: str, film: Film, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record the films in a collection's style in one commit; then their shots can go."""
    catalog = open_catalog(settings.root)
    counts = commit_outputs(catalog, "film", collection, manifests, run_id)
    for row in (row for manifest in manifests for row in manifest if row["status"] == "ok"):
        catalog.store.delete_below(f"{_folder(film)}/{row['output_id']}")
    return counts


@task(cache_policy=NO_CACHE)
def forget_film(settings: FilmSettings, film: Film) -> None:
    """Remove what was kept of a film while it was worked on."""
    store: Store = open_catalog(settings.root).store
    store.delete_below(_folder(film))

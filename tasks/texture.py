"""Tasks of the texture flow."""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.table import open_catalog
from artgan.catalog.works import access_size, find_work
from artgan.config import TextureSettings
from artgan.imaging.read import read_rgb
from artgan.keys import VERSION, digest, key
from artgan.metrics.features import Extractor, extract, load_extractor
from artgan.models.texture import TextureGenerator
from artgan.provenance import Provenance
from artgan.signing import signed_bytes
from artgan.simulate.texture import SOURCE_TYPE, scale_for, texture_part, texture_product
from artgan.storage import Store
from artgan.training.loop import Progress, train
from artgan.training.texture import PIECE_PX, build
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    content_of,
    plan_outputs,
    stage_of,
    write_output,
)
from tasks.progress import ProgressBar

CHUNK = 1000
"""All tiles of a run share what was learned, so one task makes them."""
METHOD = "transport-pieces"
_FITS = "_work/fits"
_SEED = 0
_WHOLE = (0.0, 0.0, 1.0, 1.0)
_SOURCE = ("scan_id", "content_sha256", "access_path", "title")


@task(cache_policy=NO_CACHE)
def plan_textures(settings: TextureSettings) -> tuple[str, Plan[Row]]:
    """Return the collection of the first work, and the tiles that are not there yet."""
    catalog = open_catalog(settings.root)
    found = [find_work(catalog, prefix) for prefix in settings.scans]
    works = list({row["scan_id"]: row for row in found}.values())
    sources = [
        {name: row[name] for name in _SOURCE} | {"size_px": access_size(row)} for row in works
    ]
    learned = {
        "scans": [row["scan_id"] for row in works],
        "box": settings.box or list(_WHOLE),
        "detail_px": settings.detail_px,
        "steps": settings.steps,
    }
    fit = key(VERSION, METHOD, learned)
    jobs = []
    for seed in range(settings.seed, settings.seed + settings.tiles):
        asked = learned | {"width_px": settings.width_px, "height_px": settings.height_px}
        identity = key(VERSION, "texture", METHOD, asked, seed)
        job = {"output_id": identity, "seed": seed, "asked": asked, "sources": sources, "fit": fit}
        jobs.append(job)
    collection = works[0]["collection"]
    work = plan_outputs(catalog, "texture", collection, jobs)
    get_run_logger().info("%s: %d textures to make", collection, len(work.todo))
    return collection, work


@task(cache_policy=NO_CACHE, task_run_name="texture-{collection}")
def texture_chunk(settings: TextureSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Learn a texture and make its tiles; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        loom = _Loom(store, settings.weights, jobs[0])
        made = [
            attempt(_row(collection, job), lambda job=job: _make(store, collection, loom, job))
            for job in jobs
        ]
        store.delete(loom.path)
        return made

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of("texture", collection), identity, make)


class _Loom:
    """Learns a texture when its first tile is asked for; a killed training goes on."""

    def __init__(self, store: Store, weights: str | None, job: Row) -> None:
        self._store, self._weights, self._job = store, weights, job
        self.path = f"{_FITS}/{job['fit']}.safetensors"
        self.measures: dict[str, Any] = {}

    @cached_property
    def generator(self) -> TextureGenerator:
        """The generator, with its bonuses learned."""
        store, steps = self._store, self._job["asked"]["steps"]
        extractor = load_extractor(self._weights, vgg_size_px=PIECE_PX)
        trainee = build(self._parts(), steps, _SEED, lambda pictures: extract(extractor, pictures))
        follow = _follower(steps)
        history = train(
            trainee,
            steps,
            _SEED,
            load_state=lambda: store.read(self.path) if store.exists(self.path) else None,
            save_state=lambda state: store.write(self.path, state),
            validate_at=(steps,),
            observe=follow,
        )
        self.measures = _named(extractor, history[-1]) | {"steps": steps}
        generator = trainee.networks["texture"]
        assert isinstance(generator, TextureGenerator)
        return generator.eval().requires_grad_(requires_grad=False)

    def _parts(self) -> list[np.ndarray]:
        asked = self._job["asked"]
        box = tuple(asked["box"])
        parts = []
        for source in self._job["sources"]:
            size = tuple(source["size_px"])
            short = round(min(size) * scale_for(size, box, asked["detail_px"]))
            picture = read_rgb(self._store.read(source["access_path"]), max(1, short))
            parts.append(texture_part(picture, box))
        return parts


def _follower(steps: int) -> Callable[[Progress], None]:
    bar = ProgressBar("learning a texture", max(1, steps), "steps")
    return lambda progress: bar.move(progress.step, _left(progress))


def _left(progress: Progress) -> str:
    return f"{progress.left_s:.0f} s left" if 0 < progress.left_s < float("inf") else ""


def _named(extractor: Extractor, measures: dict[str, float]) -> dict[str, Any]:
    """Say what a texture of the works' own size is like, beside the works."""
    return {
        "kid_x1000_of_pieces": measures["kid_x1000"],
        "features": f"{extractor.name}, {extractor.preprocessing}",
    }


def _make(store: Store, collection: str, loom: _Loom, job: Row) -> Row:
    asked, first = job["asked"], job["sources"][0]
    works = f"{len(job['sources'])} works" if len(job["sources"]) > 1 else "a work"
    about = Provenance(
        source_sha256=content_of(first),
        settings_sha256=digest(asked),
        title=f"Texture after {first['title'] or 'a work'}, seed {job['seed']}",
        note=f"Put together by a program from pieces of {works} of {collection}; "
        "not a work of any person.",
    )
    size = asked["width_px"], asked["height_px"]
    product = texture_product(loom.generator, job["seed"], size, about)
    path = f"outputs/texture/{collection}/{job['output_id']}"
    content = signed_bytes(product.content, product.suffix, SOURCE_TYPE, "Texture")
    report = product.report | {"learning": loom.measures, "scans": asked["scans"]}
    beside = write_output(store, f"{path}.json", json.dumps(report).encode())
    return write_output(store, path + product.suffix, content) | {
        "width_px": product.width_px,
        "height_px": product.height_px,
        "bit_depth": 8,
        "report_path": beside["output_path"],
        "report_sha256": beside["output_sha256"],
    }


def _row(collection: str, job: Row) -> Row:
    return {
        "output_id": job["output_id"],
        "kind": "texture",
        "collection": collection,
        "scan_id": job["asked"]["scans"][0],
        "method": METHOD,
        "seed": job["seed"],
        "settings_json": json.dumps(job["asked"]),
        "digital_source_type": SOURCE_TYPE,
    }


@task(cache_policy=NO_CACHE, task_run_name="commit-texture-{collection}")
def commit_textures(
    settings: TextureSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record the tiles in one commit."""
    catalog = open_catalog(settings.root)
    return commit_outputs(catalog, "texture", collection, manifests, run_id)

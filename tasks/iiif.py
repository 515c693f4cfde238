"""Tasks of the iiif flow."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
import pyvips
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.schema import OUTPUTS, SCANS
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT, collection_names
from artgan.config import IiifSettings
from artgan.iiif.image import INFO, Service, describe, write_pictures
from artgan.iiif.manifest import (
    Shown,
    base_address,
    collection_of,
    manifests,
    service_address,
)
from artgan.iiif.rights import rights_uri
from artgan.iiif.tree import ROOT, TOP, service_key, take_down, write_json, write_manifests
from artgan.imaging.colour import to_srgb
from artgan.imaging.decode import decode
from artgan.keys import VERSION, digest, key
from artgan.metrics.vgg import Vgg19Conv34
from artgan.provenance import DigitalSourceType, Provenance, xmp_packet
from artgan.storage import Store
from artgan.stylize.protection import protect, protecting_network
from tasks.chunks import Manifest, Plan, remembered
from tasks.outputs import (
    Row,
    attempt,
    commit_outputs,
    content_of,
    plan_outputs,
    source_file,
    stage_of,
)

CHUNK = 32
_MAX_PIXELS = 20_000_000_000
_KIND = "iiif"
# Rows of what was withdrawn stay as they are: they are the record of it.
_LIVE = pc.field("status").isin(["ok", "failed"])
_JOB_COLUMNS = (
    *("scan_id", "content_sha256", "page", "title"),
    *("source_path", "source_uri", "access_path"),
)


@task(cache_policy=NO_CACHE, task_run_name="take-down-iiif")
def take_down_withdrawn(settings: IiifSettings) -> dict[str, int]:
    """Remove what shows scans that were withdrawn or superseded, in every collection."""
    catalog = open_catalog(settings.root)
    present = set(catalog.read(SCANS, ["scan_id"], CURRENT)["scan_id"].to_pylist())
    columns = ("output_id", "collection", "scan_id")
    rows = catalog.rows(OUTPUTS, columns, (pc.field("kind") == _KIND) & _LIVE)
    gone = [row for row in rows if row["scan_id"] not in present]
    for collection in {row["collection"] for row in gone}:
        scan_ids = {row["scan_id"] for row in gone if row["collection"] == collection}
        take_down(catalog.store, collection, scan_ids)
    catalog.remove(OUTPUTS, [row["output_id"] for row in gone])
    return {"withdrawn": len({row["scan_id"] for row in gone})} if gone else {}


@task(cache_policy=NO_CACHE, task_run_name="plan-iiif-{collection}")
def plan_tiles(settings: IiifSettings, collection: str) -> Plan[Row]:
    """Return the scans whose tiles are not there as the settings want them."""
    catalog = open_catalog(settings.root)
    jobs = [_job(settings, scan) for scan in _scans(catalog, collection)]
    _forget_superseded(catalog, collection, {job["output_id"] for job in jobs})
    return plan_outputs(catalog, _KIND, collection, jobs)


def _scans(catalog: Catalog, collection: str) -> list[Row]:
    """Return the scans to show, in the order of their files."""
    rows = catalog.rows(SCANS, where=CURRENT & (pc.field("collection") == collection))
    return sorted(rows, key=lambda row: (row["source_path"], row["page"] or 1, row["scan_id"]))


def _job(settings: IiifSettings, scan: Row) -> Row:
    address = service_address(base_address(settings), scan["collection"], scan["scan_id"])
    shape = {
        "address": address,
        "resolution": settings.resolution,
        "tile_px": settings.tile_px,
        "full_px": settings.full_px,
    }
    if settings.protection:
        shape["protection"] = settings.protection
    rights = rights_uri(scan["rights"])
    note = {"title": scan["title"], "rights": rights}
    # An access copy may be made anew at another size.
    access = [scan["access_path"], scan["access_width_px"], scan["access_height_px"]]
    return {
        "output_id": key(VERSION, _KIND, scan["scan_id"], access, shape, note),
        "shape": shape,
        "rights": rights,
        **{name: scan[name] for name in _JOB_COLUMNS},
    }


def _forget_superseded(catalog: Catalog, collection: str, wanted: set[str]) -> None:
    """Forget files of other settings: those of these settings take their place."""
    where = (pc.field("kind") == _KIND) & (pc.field("collection") == collection) & _LIVE
    rows = catalog.rows(OUTPUTS, ("output_id",), where)
    catalog.remove(OUTPUTS, {row["output_id"] for row in rows} - wanted)


@task(cache_policy=NO_CACHE, task_run_name="iiif-{collection}")
def tile_chunk(settings: IiifSettings, collection: str, jobs: list[Row]) -> Manifest:
    """Cut some scans into tiles; return one row for each."""
    store = open_catalog(settings.root).store

    def make() -> Manifest:
        network = protecting_network(settings.weights) if settings.protection else None
        return [_tile_one(store, collection, job, network) for job in jobs]

    identity = [job["output_id"] for job in jobs]
    return remembered(store, stage_of(_KIND, collection), identity, make)


def _tile_one(store: Store, collection: str, job: Row, network: Vgg19Conv34 | None) -> Row:
    row = {
        "output_id": job["output_id"],
        "kind": _KIND,
        "collection": collection,
        "scan_id": job["scan_id"],
        "method": job["shape"]["resolution"],
        "settings_json": json.dumps(job["shape"]),
        "digital_source_type": _source_type(job),
    }

    def make() -> Row:
        with _picture(store, job, network) as open_image:
            return _write_service(store, collection, job, open_image)

    return attempt(row, make)


def _source_type(job: Row) -> DigitalSourceType:
    """Say what the pictures are: a copy, or one whose values were changed on purpose."""
    if "protection" in job["shape"]:
        return DigitalSourceType.ALGORITHMICALLY_ENHANCED
    return DigitalSourceType.DIGITAL_CAPTURE


@contextmanager
def _picture(
    store: Store, job: Row, network: Vgg19Conv34 | None
) -> Iterator[Callable[[], pyvips.Image]]:
    """Give a way to open a scan's picture, again and again."""
    is_full = job["shape"]["resolution"] == "full"
    page = (job["page"] or 1) if is_full else 1
    with source_file(job) if is_full else store.local(job["access_path"]) as path:
        opened = partial(_open, path, job["source_path"], page)
        if network is None:
            yield opened
            return
        changed = protect(opened().numpy(), network, job["shape"]["protection"])
        yield lambda: pyvips.Image.new_from_array(changed).copy(interpretation="srgb")


def _open(path: Path, name: str, page: int) -> pyvips.Image:
    return to_srgb(decode(path, _MAX_PIXELS, name=name, page=page).image)


def _write_service(
    store: Store, collection: str, job: Row, open_image: Callable[[], pyvips.Image]
) -> Row:
    shape, image = job["shape"], open_image()
    service = Service(image.width, image.height, shape["tile_px"], shape["full_px"])
    info = json.dumps(describe(service, shape["address"], job["rights"]), indent=1).encode()
    note = Provenance(
        source_sha256=content_of(job),
        settings_sha256=digest(shape),
        title=job["title"],
        note=_note(job),
    )
    place = service_key(collection, job["scan_id"])
    with store.folder(place) as folder:
        packet = xmp_packet(_source_type(job), note)
        write_pictures(open_image, service, folder, packet)
        (folder / INFO).write_bytes(info)
        size = sum(path.stat().st_size for path in folder.rglob("*.*") if path.is_file())
    return {
        "output_path": f"{place}/{INFO}",
        "output_sha256": hashlib.sha256(info).hexdigest(),
        "output_bytes": size,
        "width_px": service.width,
        "height_px": service.height,
        "bit_depth": 8,
    }


def _note(job: Row) -> str | None:
    codes = job["shape"].get("protection")
    if codes is None:
        return job["rights"]
    words = f"Values were changed by up to {codes} of 255 so that its style is harder to imitate."
    return " ".join(part for part in (words, job["rights"]) if part)


@task(cache_policy=NO_CACHE, task_run_name="commit-iiif-{collection}")
def commit_tiles(
    settings: IiifSettings, collection: str, manifests: list[Manifest], run_id: str
) -> dict[str, int]:
    """Record a collection's tiles in one commit."""
    return commit_outputs(open_catalog(settings.root), _KIND, collection, manifests, run_id)


@task(cache_policy=NO_CACHE, task_run_name="manifests-iiif")
def write_collections(settings: IiifSettings, collections: list[str]) -> dict[str, int]:
    """Write the manifests of some collections, and the collection of all that are shown."""
    catalog = open_catalog(settings.root)
    written = sum(
        write_manifests(
            catalog.store, name, manifests(settings, name, _shown(settings, catalog, name))
        )
        for name in collections
    )
    for name in set(catalog.store.listing(ROOT)[1]) - set(collection_names(catalog)):
        written += write_manifests(catalog.store, name, [])
    sizes = _sizes(settings, catalog)
    if sizes or catalog.store.exists(TOP):
        written += write_json(catalog.store, TOP, collection_of(settings, sizes))
    get_run_logger().info("manifests: %d collections shown, %d written", len(sizes), written)
    return {"manifests": written}


def _shown(settings: IiifSettings, catalog: Catalog, collection: str) -> list[Shown]:
    rows = {
        row["scan_id"]: row for row in _made(settings, catalog) if row["collection"] == collection
    }
    services = {
        scan_id: Service(row["width_px"], row["height_px"], settings.tile_px, settings.full_px)
        for scan_id, row in rows.items()
    }
    return [
        Shown(scan, services[scan["scan_id"]])
        for scan in _scans(catalog, collection)
        if scan["scan_id"] in services
    ]


def _made(settings: IiifSettings, catalog: Catalog) -> Iterable[Row]:
    """Yield the rows of tiles that are there at the address in the settings."""
    columns = ("collection", "scan_id", "settings_json", "width_px", "height_px")
    where = (pc.field("kind") == _KIND) & (pc.field("status") == "ok")
    for row in catalog.rows(OUTPUTS, columns, where):
        address = service_address(base_address(settings), row["collection"], row["scan_id"])
        if json.loads(row["settings_json"])["address"] == address:
            yield row


def _sizes(settings: IiifSettings, catalog: Catalog) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for row in _made(settings, catalog):
        sizes[row["collection"]] = sizes.get(row["collection"], 0) + 1
    return sizes

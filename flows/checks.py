"""What is checked before a flow starts, so that wrong settings cost a sentence and no time."""

from collections.abc import Sequence
from pathlib import Path

import httpx

from artgan.catalog.schema import SCANS
from artgan.catalog.table import Catalog
from artgan.catalog.works import chosen_collections, find_scan, scans_where
from artgan.config import (
    ArchiveSettings,
    EnhanceSettings,
    FilmSettings,
    FlowSettings,
    IiifSettings,
    IngestSettings,
    NightlySettings,
    RestoreSettings,
    Settings,
    SimulateSettings,
    StylizeSettings,
    TextureSettings,
)
from artgan.errors import InvalidInputError
from artgan.imaging.clip import video_library
from artgan.ingest.decoder_process import Limits
from artgan.ingest.decoders import take_mask, take_regions
from artgan.ingest.discover import chosen_folders
from artgan.ingest.films import FilmClip
from artgan.ingest.masks import MASKED_SCAN
from artgan.storage import check_conditional_put, open_store

_ANSWERS_WITHIN_S = 10.0


def check_server(server: str) -> None:
    """Refuse a Prefect server that does not answer.

    Args:
        server: Address of its API, as in ``PREFECT_API_URL``.

    Raises:
        InvalidInputError: If so.
    """
    try:
        httpx.get(f"{server}/health", timeout=_ANSWERS_WITHIN_S).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise InvalidInputError(
            f"server must be a Prefect server that answers, got {server!r} "
            f"({type(error).__name__}). Start it with `artgan serve`, or correct --server or "
            "PREFECT_API_URL."
        ) from error


def check_places(settings: Settings) -> None:
    """Refuse a root, an inbox or collections that are not there.

    Raises:
        InvalidInputError: In one sentence, with what to do.
    """
    if not isinstance(settings, FlowSettings):
        return
    brings_scans = isinstance(settings, IngestSettings | NightlySettings)
    store = open_store(settings.root, must_exist=not brings_scans)
    check_conditional_put(store)
    if isinstance(settings, IngestSettings | NightlySettings):
        inbox = open_store(settings.inbox, name="inbox", must_exist=True)
        chosen_folders(inbox, settings.collections)
    elif isinstance(settings, ArchiveSettings):
        catalog = Catalog(store)
        chosen_collections(catalog, settings.collections)
        if isinstance(settings, RestoreSettings) and settings.scan:
            check_mask(catalog, settings.scan, settings.mask)
        if isinstance(settings, EnhanceSettings):
            _check_scans(catalog, settings.scans)
        if isinstance(settings, StylizeSettings):
            _check_styles(catalog, settings)
        if isinstance(settings, FilmSettings):
            _check_film(catalog, settings)
        if isinstance(settings, IiifSettings) and settings.protection:
            _check_protection(settings)
    for scan in _sources(settings):
        find_scan(Catalog(store), scan, ["scan_id"])


def _sources(settings: Settings) -> Sequence[str]:
    """Return the scans, each by the start of its id, that something is made of."""
    match settings:
        case SimulateSettings():
            return settings.project
        case TextureSettings():
            return settings.scans
    return ()


def check_mask(catalog: Catalog, scan: str, mask: str | None) -> None:
    """Refuse a scan that is not there, and a corrected mask that does not fit it.

    Raises:
        ArtganError: In one sentence, with what to do.
    """
    row = find_scan(catalog, scan, MASKED_SCAN)
    if mask is not None:
        with catalog.store.scratch() as scratch:
            take_mask(Path(mask), row, scratch / "kept.png", scratch, Limits())


def _check_protection(settings: IiifSettings) -> None:
    from artgan.stylize.protection import protecting_network  # noqa: PLC0415 - it brings torch

    protecting_network(settings.weights)


def _check_styles(catalog: Catalog, settings: StylizeSettings) -> None:
    """Refuse works that are not there, and conditions that fit none."""
    if settings.scan is not None:
        find_scan(catalog, settings.scan, ["scan_id"])
    if settings.regions is not None:
        take_regions(Path(settings.regions), Limits())
    for prefix in settings.style_scans:
        find_scan(catalog, prefix, ["scan_id"])
    for name in ("content", "style"):
        condition = getattr(settings, name)
        if condition is not None and not scans_where(catalog, condition):
            raise InvalidInputError(
                f"{name} must fit at least one scan, got {condition!r}, which fits none. "
                "Try it with `artgan query`."
            )


def _check_film(catalog: Catalog, settings: FilmSettings) -> None:
    """Refuse a film or a work that is not there, a file that is no film, and styles that fit none.

    A film on S3 is looked at by the run, which copies it.
    """
    video_library()
    if settings.pan is not None:
        find_scan(catalog, settings.pan, ["scan_id"])
    elif settings.video is not None and "://" not in settings.video:
        FilmClip(Path(settings.video).expanduser()).close()
    _check_styles(catalog, settings.styles())


def _check_scans(catalog: Catalog, wanted: Sequence[str]) -> None:
    known = catalog.read(SCANS, ["scan_id"])["scan_id"].to_pylist() if wanted else []
    for prefix in wanted:
        if not any(name.startswith(prefix) for name in known):
            raise InvalidInputError(
                f"scans must name scans of the archive, got {prefix!r}. See the table scans."
            )

"""Tasks of the report flow."""

from collections.abc import Callable
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE

from artgan.catalog.table import Catalog, open_catalog
from artgan.clock import now
from artgan.config import FlowSettings, ReportSettings
from artgan.errors import ArtganError
from artgan.metrics.features import load_extractor
from artgan.presets import Enhancer
from artgan.report import archive_network
from artgan.report import measure_detection as detection
from artgan.report import measure_enhancement as enhancement
from artgan.report import measure_privacy as privacy
from artgan.report import measure_restoration as restoration
from artgan.report import measure_robustness as robustness
from artgan.report import measure_simulation as simulation
from artgan.report import measure_stylization as stylization
from artgan.report.site import build_site

Counts = dict[str, int]
Measure = Callable[[Catalog, str, ReportSettings, dict[str, Any]], int]


@task(cache_policy=NO_CACHE)
def check_extractor(settings: ReportSettings) -> None:
    """Find the feature network before any work is done, and say which it is."""
    extractor = load_extractor(settings.weights, settings.require_fid)
    get_run_logger().info("distances of sets are measured as %s", extractor.label)


@task(cache_policy=NO_CACHE)
def refresh_archive_network(settings: ReportSettings) -> None:
    """Train the archive's own feature network if there is none or its works changed."""
    log, catalog = get_run_logger(), open_catalog(settings.root)
    try:
        # the plain one as well: what hardening costs is told by both beside each other
        for codes in sorted({0, settings.hardened_codes}):
            log.info("%s", archive_network.refresh_archive_network(catalog, codes))
    except ArtganError as error:  # the other networks still measure
        log.error("FD-archive: %s", error)


@task(cache_policy=NO_CACHE, task_run_name="measure-restoration-{collection}")
def measure_restoration(settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Measure a collection's filler on held-out works."""
    return _measured(restoration.measure_restoration, settings, collection, run_id)


@task(cache_policy=NO_CACHE, task_run_name="measure-simulation-{collection}")
def measure_simulation(settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Measure a collection's generator against real works."""
    return _measured(simulation.measure_simulation, settings, collection, run_id)


@task(cache_policy=NO_CACHE, task_run_name="measure-stylization-{collection}")
def measure_stylization(settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Measure a collection's stylizers on held-out works."""
    return _measured(stylization.measure_stylization, settings, collection, run_id)


@task(cache_policy=NO_CACHE, task_run_name="measure-detection-{collection}")
def measure_detection(settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Measure a collection's detector on held-out works."""
    return _measured(detection.measure_detection, settings, collection, run_id)


@task(cache_policy=NO_CACHE, task_run_name="measure-privacy-{collection}")
def measure_privacy(settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Try to tell the works that a collection's models learned from."""
    return _measured(privacy.measure_privacy, settings, collection, run_id)


@task(cache_policy=NO_CACHE, task_run_name="measure-robustness-{collection}")
def measure_robustness(settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Attack what judges the pictures of a collection."""
    return _measured(robustness.measure_robustness, settings, collection, run_id)


@task(cache_policy=NO_CACHE, task_run_name="measure-{kind}-{collection}")
def measure_enhancement(
    settings: ReportSettings, kind: Enhancer, collection: str, run_id: str
) -> Counts:
    """Measure a collection's model of tone, noise or size on held-out works."""

    def measure(
        catalog: Catalog, name: str, settings: ReportSettings, stamp: dict[str, Any]
    ) -> int:
        return enhancement.measure_enhancement(catalog, kind, name, settings, stamp)

    return _measured(measure, settings, collection, run_id)


def _measured(measure: Measure, settings: ReportSettings, collection: str, run_id: str) -> Counts:
    """Run a measurement; one that is refused is said and counted, and the others go on."""
    log = get_run_logger()
    stamp = {"run_id": run_id, "created_at": now()}
    try:
        added = measure(open_catalog(settings.root), collection, settings, stamp)
    except ArtganError as error:
        log.error("%s: %s", collection, error)
        return {"failed": 1}
    log.info("%s: %d new numbers", collection, added)
    return {"done": added, "numbers": added}


@task(cache_policy=NO_CACHE, task_run_name="write-pages")
def write_pages(settings: FlowSettings, run_id: str) -> int:
    """Write the report pages that changed; return how many objects were written."""
    catalog = open_catalog(settings.root)
    written = build_site(catalog, run_id)
    index = catalog.store.uri("reports/index.html")
    get_run_logger().info("%d report objects written; open %s", len(written), index)
    if not catalog.store.is_local:
        create_link_artifact(key="report", link=index)
    return len(written)

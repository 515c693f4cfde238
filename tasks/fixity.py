"""Tasks of the fixity flow."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow.compute as pc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.fixity import Target, check, choose, find_targets
from artgan.catalog.schema import EVENTS
from artgan.catalog.table import open_catalog
from artgan.config import FixitySettings
from artgan.keys import key
from artgan.report.words import count
from tasks.chunks import Manifest, Plan, forget, plan, remembered

CHUNK = 256
_STAGE = "fixity/archive"

Row = dict[str, Any]


@task(cache_policy=NO_CACHE, task_run_name="choose-files")
def plan_checks(settings: FixitySettings, run_id: str) -> tuple[Plan[Row], dict[str, int]]:
    """Return the files to check, and how many are out of reach, by store."""
    log = get_run_logger()
    catalog = open_catalog(settings.root)
    targets = find_targets(catalog, settings.collections)
    share = choose(catalog, targets, settings.days_for_all, settings.max_files)
    log.info("%d files in all, %d to check", share.total, len(share.targets))
    for root, files in share.out_of_reach.items():
        log.warning("%s does not answer or holds nothing: %d files not checked", root, files)
    mine = (pc.field("run_id") == run_id) & (pc.field("event_type") == "fixity check")
    if catalog.read(EVENTS, ["event_id"], mine).num_rows:
        log.info("this run's checks were made and recorded before it was interrupted")
        forget(catalog.store, _STAGE)
        return Plan([], []), share.out_of_reach
    items = {key(run_id, asdict(one)): asdict(one) for one in share.targets}
    return plan(catalog.store, _STAGE, items, "identity"), share.out_of_reach


@task(cache_policy=NO_CACHE, task_run_name="check-files")
def check_chunk(settings: FixitySettings, files: list[Row], run_id: str) -> Manifest:
    """Read some files and compare their digests; return one event for each."""
    store = open_catalog(settings.root).store
    identities = [key(run_id, file) for file in files]

    def make() -> Manifest:
        return [
            {"identity": identity, "event": check(Target(**file), run_id)}
            for identity, file in zip(identities, files, strict=True)
        ]

    manifest = remembered(store, _STAGE, identities, make)
    for entry in manifest:
        if entry["event"]["outcome"] != "success":
            get_run_logger().error("%s", entry["event"]["outcome_detail"])
    return manifest


@task(cache_policy=NO_CACHE, task_run_name="commit-checks")
def commit_checks(settings: FixitySettings, manifests: list[Manifest]) -> None:
    """Record the checks in one commit."""
    catalog = open_catalog(settings.root)
    rows = [_event(entry["event"]) for manifest in manifests for entry in manifest]
    catalog.append(EVENTS, rows)
    forget(catalog.store, _STAGE)


def _event(row: Row) -> Row:
    at = row["event_at"]
    return row | {"event_at": at if isinstance(at, datetime) else datetime.fromisoformat(at)}


@task(cache_policy=NO_CACHE, task_run_name="count-checks")
def count_checks(settings: FixitySettings, run_id: str) -> dict[str, int]:
    """Count the checks that a run recorded, by how they ended."""
    mine = (pc.field("run_id") == run_id) & (pc.field("event_type") == "fixity check")
    found = open_catalog(settings.root).read(EVENTS, ["outcome"], mine)["outcome"].to_pylist()
    return {
        "done": found.count("success"),
        "failed": found.count("fail"),
        "unreadable": found.count("warning"),
    }


def alarms_of(counts: dict[str, int], out_of_reach: dict[str, int]) -> list[str]:
    """Say in sentences what a person must look at; nothing if all is well."""
    alarms = []
    if counts["failed"]:
        files = count(counts["failed"], "file is", "files are")
        alarms.append(
            f"Every file must be as the catalog knows it, got {files} changed or gone. "
            "See the table events, outcome fail; each row says what to do."
        )
    if counts["unreadable"]:
        alarms.append(
            f"Every file must be readable, got {count(counts['unreadable'], 'file')} that could "
            "not be read. See the table events, outcome warning, and the storage."
        )
    for root, files in out_of_reach.items():
        alarms.append(
            f"The storage {root} must answer, got nothing there: {count(files, 'file')} not "
            "checked. Mount it, or see to its credentials."
        )
    return alarms

"""Archives outlive the versions of artgan that write to them."""

import dataclasses

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import artgan.catalog.table as table_module
from artgan.catalog.masks import DELIVERED, DETECTED
from artgan.catalog.publish import publish
from artgan.catalog.query import query
from artgan.catalog.schema import MASKS, METRICS, RUNS, SCANS, TABLES, Table
from artgan.catalog.table import Catalog, open_catalog
from artgan.catalog.works import CURRENT
from artgan.errors import InvalidInputError
from artgan.report.snapshot import Snapshot
from artgan.storage import open_store


def older(table: Table, *without: str) -> Table:
    """The table as a version of artgan made it that did not know some columns."""
    fields = [field for field in table.schema if field.name not in without]
    return dataclasses.replace(table, schema=pa.schema(fields))


def newer(table: Table, *fields: pa.Field) -> Table:
    return dataclasses.replace(table, schema=pa.schema([*table.schema, *fields]))


@pytest.fixture
def make_archive(any_root: str, monkeypatch: pytest.MonkeyPatch):
    """Make an archive as another version would, with other tables, and forget that it was open."""

    def make(*tables: Table) -> Catalog:
        with monkeypatch.context() as other:
            other.setattr(table_module, "TABLES", tables)
            catalog = open_catalog(any_root)
        table_module._ready.discard(catalog.store.root)
        return catalog

    return make


def data_files(catalog: Catalog, table: Table) -> set[str]:
    entries = catalog.store.entries(f"catalog/{table.name}")
    return {entry.key for entry in entries if "_delta_log" not in entry.key}


def test_an_older_archive_gets_new_columns_and_tables_without_a_file_rewritten(
    any_root: str, make_archive
) -> None:
    old_runs = older(RUNS, "n_quarantined", "versions_json")
    make_archive(old_runs).append(old_runs, [{"run_id": "old", "flow": "ingest", "n_done": 3}])
    before = data_files(Catalog(open_store(any_root)), RUNS)

    catalog = open_catalog(any_root)
    assert data_files(catalog, RUNS) == before
    assert all(catalog.version(table) >= 0 for table in TABLES)
    (row,) = catalog.rows(RUNS)
    assert (row["n_done"], row["n_quarantined"]) == (3, None)
    catalog.append(RUNS, [{"run_id": "new", "flow": "ingest", "n_quarantined": 7}])
    assert catalog.rows(RUNS, ["run_id"], pc.field("n_quarantined") == 7) == [{"run_id": "new"}]
    stored = deltalake.DeltaTable(
        catalog.location(RUNS), storage_options=catalog.store.delta_options()
    )
    field = pa.schema(stored.schema().to_arrow()).field("n_quarantined")
    assert field.metadata == RUNS.schema.field("n_quarantined").metadata
    version = catalog.version(RUNS)
    table_module._ready.discard(catalog.store.root)
    open_catalog(any_root)
    assert catalog.version(RUNS) == version


def test_an_older_archive_can_be_read_before_anything_is_written_to_it(
    any_root: str, make_archive
) -> None:
    old_runs = older(RUNS, "n_quarantined")
    make_archive(old_runs).append(old_runs, [{"run_id": "old", "flow": "ingest"}])
    catalog = Catalog(open_store(any_root))
    assert catalog.read(RUNS).schema.names == RUNS.schema.names
    assert query(catalog, "select n_quarantined from runs").to_pylist() == [{"n_quarantined": None}]
    assert query(catalog, "select count(*) as n from masks").to_pylist() == [{"n": 0}]
    assert catalog.version(MASKS) == -1


def test_a_new_required_column_is_empty_in_old_rows_and_they_stay_readable(
    any_root: str, make_archive
) -> None:
    old_runs = older(RUNS, "flow")
    make_archive(old_runs).append(old_runs, [{"run_id": "old"}])
    catalog = open_catalog(any_root)
    catalog.append(RUNS, [{"run_id": "new", "flow": "ingest"}])
    flows = {row["run_id"]: row["flow"] for row in catalog.rows(RUNS, ["run_id", "flow"])}
    assert flows == {"old": None, "new": "ingest"}
    with pytest.raises(InvalidInputError, match=r"runs\.flow must be given in every row"):
        catalog.append(RUNS, [{"run_id": "without"}])


def test_masks_from_before_there_were_detected_ones_count_as_delivered(
    any_root: str, make_archive
) -> None:
    file = {"collection": "c", "source_path": "p", "source_uri": "u", "source_bytes": 1}
    old_masks = older(MASKS, *MASKS.schema.names[MASKS.schema.get_field_index("origin") : -2])
    make_archive(old_masks).append(old_masks, [file | {"mask_id": "old", "scan_id": "s"}])
    catalog = open_catalog(any_root)
    catalog.append(MASKS, [file | {"mask_id": "new", "scan_id": "s", "origin": "detected"}])
    assert catalog.rows(MASKS, ["mask_id"], DELIVERED) == [{"mask_id": "old"}]
    assert catalog.rows(MASKS, ["mask_id"], DETECTED) == [{"mask_id": "new"}]


def test_rows_from_before_a_column_are_found_where_it_has_no_value(
    any_root: str, make_archive
) -> None:
    old_metrics = older(METRICS, "stratum")
    row = {"collection": "c", "metric": "psnr_hole_db", "value": 1.0}
    make_archive(old_metrics).append(old_metrics, [row | {"metric_id": "old"}])
    catalog = open_catalog(any_root)
    catalog.append(METRICS, [row | {"metric_id": "new", "stratum": "damage: tear"}])
    assert [one["metric_id"] for one in Snapshot(catalog).metrics] == ["old"]
    assert [one["metric_id"] for one in Snapshot(catalog).strata] == ["new"]


def test_scans_from_before_there_were_versions_are_current(any_root: str, make_archive) -> None:
    old_scans = older(SCANS, "is_current")
    row = {"collection": "c", "source_path": "p", "source_uri": "u", "source_bytes": 1}
    row |= {"content_sha256": "s", "format": "png", "width_px": 1, "height_px": 1}
    make_archive(old_scans).append(old_scans, [row | {"scan_id": "old"}])
    catalog = open_catalog(any_root)
    catalog.append(SCANS, [row | {"scan_id": "new", "is_current": False}])
    assert catalog.rows(SCANS, ["scan_id"], CURRENT) == [{"scan_id": "old"}]


def test_columns_of_a_newer_version_survive_everything_this_one_does(
    any_root: str, make_archive
) -> None:
    provenance = pa.field("provenance", pa.string(), metadata={"description": "Where from."})
    new_runs = newer(RUNS, provenance)
    archive = make_archive(*(new_runs if table is RUNS else table for table in TABLES))
    names = ("kept", "changed", "removed")
    rows = [{"run_id": name, "flow": "x", "provenance": f"of {name}"} for name in names]
    archive.append(new_runs, rows)

    catalog = open_catalog(any_root)
    assert catalog.read(RUNS).schema.names == RUNS.schema.names
    catalog.append(RUNS, [{"run_id": "added", "flow": "y"}])
    catalog.replace(RUNS, [{"run_id": name, "flow": "z"} for name in ("changed", "another")])
    catalog.remove(RUNS, ["removed"])
    catalog.compact(RUNS, 1)
    found = query(catalog, "select run_id, flow, provenance from runs order by run_id")
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("added", "y", None),
        ("another", "z", None),
        ("changed", "z", "of changed"),
        ("kept", "x", "of kept"),
    ]
    publish(catalog)
    assert b"provenance" in catalog.store.read("published/datapackage.json")


def test_a_newer_archive_that_requires_what_this_version_cannot_give_is_not_written(
    any_root: str, make_archive
) -> None:
    new_runs = newer(RUNS, pa.field("signature", pa.string(), nullable=False))
    make_archive(new_runs).append(new_runs, [{"run_id": "r", "flow": "x", "signature": "s"}])
    catalog = open_catalog(any_root)
    assert catalog.rows(RUNS, ["flow"]) == [{"flow": "x"}]
    with pytest.raises(InvalidInputError, match="A newer artgan made this archive"):
        catalog.append(RUNS, [{"run_id": "other", "flow": "x"}])


def test_a_column_stored_with_another_type_is_refused_by_name(any_root: str, make_archive) -> None:
    fields = [
        pa.field(field.name, pa.string()) if field.name == "n_done" else field
        for field in RUNS.schema
    ]
    make_archive(dataclasses.replace(RUNS, schema=pa.schema(fields)))
    sentence = r"runs\.n_done must be int64, got string in the archive\."
    with pytest.raises(InvalidInputError, match=sentence):
        open_catalog(any_root)
    with pytest.raises(InvalidInputError, match=sentence):
        Catalog(open_store(any_root)).read(RUNS)


def test_rows_that_a_merge_wrote_are_found_by_their_values(any_root: str) -> None:
    """First versions of artgan replaced rows by a Delta merge, whose text Arrow cannot filter."""
    catalog = open_catalog(any_root)
    catalog.append(RUNS, [{"run_id": "a", "flow": "x"}, {"run_id": "b", "flow": "y"}])
    opened = deltalake.DeltaTable(
        catalog.location(RUNS), storage_options=catalog.store.delta_options()
    )
    fresh = pa.Table.from_pylist([{"run_id": "a", "flow": "z"}], schema=RUNS.schema)
    predicate = "target.run_id = source.run_id"
    merge = opened.merge(fresh, predicate, source_alias="source", target_alias="target")
    merge.when_matched_update_all().execute()
    with pytest.raises(pa.ArrowNotImplementedError):
        catalog.dataset(RUNS).to_table(filter=pc.field("flow") == "z")
    assert catalog.rows(RUNS, ["run_id"], pc.field("flow") == "z") == [{"run_id": "a"}]
    assert query(catalog, "select run_id from runs where flow = 'z'").num_rows == 1
    assert catalog.append(RUNS, [{"run_id": "a", "flow": "w"}]) == 0
    catalog.replace(RUNS, [{"run_id": "a", "flow": "w"}])
    assert catalog.remove(RUNS, ["b"]) == 1
    assert catalog.dataset(RUNS).to_table(filter=pc.field("flow") == "w").num_rows == 1

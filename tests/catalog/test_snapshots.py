"""Readers that only glob ``published/`` while the archive is written, compacted and published."""

import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import s3fs
from s3fs.utils import FileExpired

from artgan.catalog.publish import publish
from artgan.catalog.schema import RUNS, SCANS
from artgan.catalog.table import Catalog, open_catalog

ROWS_PER_COMMIT = 50
SECONDS = 4.0


def batch(number: int) -> list[dict]:
    start = number * ROWS_PER_COMMIT
    return [
        {"run_id": f"r{start + more:06d}", "flow": f"flow {number}" * 20, "number": start + more}
        for more in range(ROWS_PER_COMMIT)
    ]


def read_with_duckdb(root: str) -> pa.Table:
    glob = f"{root}/published/runs/*.parquet"
    with duckdb.connect() as connection:
        if root.startswith("s3://"):
            connection.register_filesystem(s3fs.S3FileSystem(use_listings_cache=False))
        return connection.sql(f"select run_id, number from '{glob}'").to_arrow_table()


def read_with_pandas(root: str) -> pa.Table:
    path = f"{root}/published/runs/runs.parquet"
    return pa.Table.from_pandas(pd.read_parquet(path, columns=["run_id", "number"]))


def read_with_pyarrow(root: str) -> pa.Table:
    files = s3fs.S3FileSystem(use_listings_cache=False) if root.startswith("s3://") else None
    pattern = f"{root.removeprefix('s3://')}/published/runs/runs.parquet"
    found = ds.dataset(pattern, format="parquet", filesystem=files)
    return found.to_table(columns=["run_id", "number"])


READERS: dict[str, Callable[[str], pa.Table]] = {
    "duckdb": read_with_duckdb,
    "pandas": read_with_pandas,
    "pyarrow": read_with_pyarrow,
}


REPLACED = (FileExpired, pa.ArrowInvalid, duckdb.Error)


class Together:
    """Steps that run beside each other for some seconds, until one of them fails."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self.failures: list[str] = []

    def run(self, steps: list[Callable[[], None]]) -> None:
        threads = [threading.Thread(target=self._repeat, args=(step,)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, step: Callable[[], None]) -> None:
        while time.monotonic() < self.end and not self.failures:
            try:
                step()
            except Exception:  # noqa: BLE001 (told by the test)
                self.failures.append(traceback.format_exc())


def check_state(name: str, numbers: list[int], most: int) -> None:
    assert numbers == list(range(len(numbers))), f"{name} read {len(numbers)} rows"
    assert len(numbers) in range(ROWS_PER_COMMIT, most + 1, ROWS_PER_COMMIT)


def test_readers_see_exactly_the_committed_rows_beside_writer_compaction_and_publish(
    any_root: str,
) -> None:
    """Rows are numbered and committed fifty at a time: a state holds 0 ... 50 n - 1, each once."""
    catalog = open_catalog(any_root)
    catalog.append(RUNS, batch(0))
    publish(catalog)
    commits, reads, began = [1], dict.fromkeys(READERS, 0), dict.fromkeys(READERS, 0.0)

    def write() -> None:
        Catalog(catalog.store).append(RUNS, batch(commits[0]))
        commits[0] += 1

    def maintain() -> None:
        Catalog(catalog.store).compact(RUNS, 1)
        time.sleep(0.2)

    def publish_now() -> None:
        publish(catalog)
        published = time.monotonic()
        while not together.failures and any(0 < one < published for one in began.values()):
            time.sleep(0.02)  # a read may span one publish, not two

    def read(name: str) -> None:
        began[name] = time.monotonic()
        try:
            numbers = sorted(READERS[name](any_root)["number"].to_pylist())
        except REPLACED:
            # An object of S3 that is replaced while it is read: an error, never other rows.
            assert any_root.startswith("s3://")
            return
        finally:
            began[name] = 0.0
        check_state(name, numbers, most=(commits[0] + 1) * ROWS_PER_COMMIT)
        reads[name] += 1

    together = Together(SECONDS)
    together.run([write, maintain, publish_now, *(partial(read, name) for name in READERS)])
    assert together.failures == []
    assert commits[0] > 2
    assert all(reads.values()), reads
    publish(catalog)
    for name, reader in READERS.items():
        assert reader(any_root).num_rows == commits[0] * ROWS_PER_COMMIT, name


def test_a_footer_read_before_a_publish_still_leads_to_its_rows_after_it(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    path = tmp_path / "published/runs/runs.parquet"
    catalog.append(RUNS, batch(0))
    publish(catalog)
    sizes = [path.stat().st_size]
    for number in range(1, 6):
        before = pq.read_table(path)
        footer = pq.read_metadata(path)
        catalog.replace(RUNS, [row | {"flow": f"again {number}"} for row in batch(0)])
        catalog.append(RUNS, batch(number))
        publish(catalog)
        sizes.append(path.stat().st_size)
        # What a reader does that opened the file before and reads its rows now.
        assert pq.ParquetFile(path, metadata=footer).read().equals(before)
        assert pq.read_table(path).num_rows == (number + 1) * ROWS_PER_COMMIT
    alone = tmp_path / "alone.parquet"
    pq.write_table(pq.read_table(path), alone, compression="zstd")
    assert sizes[-1] < 4 * alone.stat().st_size


def test_meaning_and_unit_of_each_column_are_inside_the_snapshot(tmp_path: Path) -> None:
    publish(open_catalog(str(tmp_path)))
    path = tmp_path / "published/scans/scans.parquet"
    schema = pq.read_schema(path)
    assert schema.names == SCANS.schema.names
    for field in SCANS.schema:
        stored = schema.field(field.name)
        assert stored.metadata[b"description"] == field.metadata[b"description"]
        assert stored.metadata.get(b"unit") == field.metadata.get(b"unit")
        assert (stored.type, stored.nullable) == (field.type, field.nullable)
    columns = duckdb.sql(
        f"select decode(value) from parquet_kv_metadata('{path}') where key = 'artgan.columns'"
    ).fetchall()
    assert '"width_px": {"description": "Width of the upright picture.", "unit": "px"}' in str(
        columns
    )


def test_a_snapshot_larger_than_a_row_group_is_whole_and_sorted(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    for start in (90_000, 0):
        rows = [{"run_id": f"r{start + n:06d}", "flow": "x"} for n in range(80_000)]
        catalog.append(RUNS, rows)
    assert publish(catalog)["runs"] == 160_000
    names = pq.read_table(tmp_path / "published/runs/runs.parquet", columns=["run_id"])["run_id"]
    assert names.to_pylist() == sorted(catalog.read(RUNS, ["run_id"])["run_id"].to_pylist())


def test_an_older_state_never_takes_the_place_of_a_newer_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = open_catalog(str(tmp_path))
    late = catalog.current(RUNS)
    catalog.append(RUNS, batch(0))
    publish(catalog)
    now = Catalog.current
    monkeypatch.setattr(
        Catalog, "current", lambda self, table: late if table is RUNS else now(self, table)
    )
    assert publish(catalog) == {}
    assert read_with_pandas(str(tmp_path)).num_rows == ROWS_PER_COMMIT

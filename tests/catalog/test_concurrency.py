"""Many writers at once: no row is lost, none is doubled, no update disappears."""

import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deltalake
import pytest
import s3fs

from artgan.catalog.files import have_piled_up
from artgan.catalog.schema import RUNS, Table
from artgan.catalog.table import Catalog, open_catalog
from artgan.errors import InvalidInputError
from artgan.storage import open_store

WRITERS = 16


def at_once(work: Callable[[int], object], writers: int = WRITERS) -> list:
    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(work, range(writers)))


def run(number: int | str, flow: str = "ingest", **more: object) -> dict:
    return {"run_id": f"r{number}", "flow": flow, **more}


def test_writers_that_find_no_table_make_one_together(any_root: str) -> None:
    def write(number: int) -> int:
        return Catalog(open_catalog(any_root).store).append(RUNS, [run(number)])

    assert sum(at_once(write)) == WRITERS
    assert open_catalog(any_root).read(RUNS).num_rows == WRITERS


def test_distinct_and_overlapping_appends_add_each_key_once(any_root: str) -> None:
    catalog = open_catalog(any_root)

    def write(number: int) -> int:
        own = [run(f"own-{number}-{part}") for part in range(3)]
        shared = [run(f"shared-{(number + part) % 8}") for part in range(4)]
        return Catalog(catalog.store).append(RUNS, own + shared)

    added = at_once(write)
    names = catalog.read(RUNS, ["run_id"])["run_id"].to_pylist()
    assert len(names) == len(set(names)) == sum(added) == WRITERS * 3 + 8


def test_no_update_is_lost_among_replacements_removals_and_compactions(any_root: str) -> None:
    """Each writer replaces rows of its own many times; the last value of each must stand."""
    catalog = open_catalog(any_root)
    catalog.append(RUNS, [run(f"{n}-{part}", n_done=0) for n in range(WRITERS) for part in "ab"])
    catalog.append(RUNS, [run(f"doomed-{n}") for n in range(WRITERS)])

    def work(number: int) -> None:
        own = Catalog(catalog.store)
        for turn in (1, 2):
            own.replace(RUNS, [run(f"{number}-{part}", n_done=turn) for part in "ab"])
        own.append(RUNS, [run(f"late-{number}", n_done=2)])
        if number % 4 == 0:
            own.remove(RUNS, [f"rdoomed-{number + more}" for more in range(4)])
        if number % 4 == 1:
            own.compact(RUNS, 1)

    at_once(work)
    rows = catalog.rows(RUNS, ["run_id", "n_done"])
    expected = {f"r{n}-{part}" for n in range(WRITERS) for part in "ab"}
    expected |= {f"rlate-{n}" for n in range(WRITERS)}
    assert Counter(row["run_id"] for row in rows) == Counter(expected)
    assert {row["n_done"] for row in rows} == {2}


def sixteen_processes(root: str) -> None:
    script = Path(__file__).parent / "writers.py"
    command = [sys.executable, str(script), root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = Catalog(open_store(root)).rows(RUNS, ["run_id", "flow", "n_done"])
    expected = {f"own-{n}-{part}" for n in range(WRITERS) for part in range(3)}
    expected -= {f"own-{n}-0" for n in range(0, WRITERS, 4)}
    expected |= {f"shared-{n}" for n in range(8)}
    assert Counter(row["run_id"] for row in rows) == Counter(expected)
    for row in rows:
        if row["run_id"].startswith("own"):
            assert (row["flow"], row["n_done"]) == ("b", int(row["run_id"].split("-")[1]))


def test_sixteen_processes_lose_and_double_no_row(tmp_path: Path) -> None:
    sixteen_processes(str(tmp_path))


@pytest.mark.slow
def test_sixteen_processes_lose_and_double_no_row_on_s3(s3_root: str) -> None:
    sixteen_processes(s3_root)


def test_replacing_the_same_key_at_once_leaves_one_row_of_one_writer(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    at_once(lambda n: Catalog(catalog.store).replace(RUNS, [run("one", f"flow-{n}", n_done=n)]))
    (row,) = catalog.rows(RUNS, ["flow", "n_done"])
    assert row["flow"] == f"flow-{row['n_done']}"


def test_a_large_replacement_is_one_commit_and_keeps_all_other_rows(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    catalog.append(RUNS, [run(n) for n in range(5000)])
    version = catalog.version(RUNS)
    catalog.replace(RUNS, [run(n, "train") for n in range(1000, 6000)])
    assert catalog.version(RUNS) == version + 1
    flows = Counter(catalog.read(RUNS, ["flow"])["flow"].to_pylist())
    assert flows == {"ingest": 1000, "train": 5000}
    assert catalog.remove(RUNS, [f"r{n}" for n in range(2000)]) == 2000
    assert catalog.read(RUNS).num_rows == 4000


def test_of_rows_that_share_a_key_in_one_replacement_the_last_counts(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    catalog.replace(RUNS, [run("a", "first"), run("a", "last")])
    assert catalog.rows(RUNS, ["flow"]) == [{"flow": "last"}]


def test_small_files_are_joined_by_the_writers_themselves(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    for number in range(36):
        catalog.append(RUNS, [run(number)])
    assert len(catalog.small_files(RUNS)) < 8
    assert catalog.read(RUNS).num_rows == 36
    assert catalog.append(RUNS, [run(number) for number in range(37)]) == 1


def test_joining_waits_until_it_is_worth_writing_the_whole_table_again() -> None:
    assert not have_piled_up([])
    assert not have_piled_up([1000] * 32)
    assert have_piled_up([1000] * 33)
    assert not have_piled_up([10_000_000, *[20_000] * 100])
    assert have_piled_up([10_000_000, *[20_000] * 200])
    assert have_piled_up([10**9, *[1000] * 256])


@pytest.mark.parametrize("first", ["append", "replace", "remove", "compact"])
@pytest.mark.parametrize("second", ["append", "replace", "remove", "compact"])
def test_a_commit_prepared_before_another_one_never_counts_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    """Delta's engine lets two compactions of the same files through; then rows are doubled."""
    catalog = open_catalog(str(tmp_path))
    for number in range(3):
        catalog.append(RUNS, [run(number)])
    steps = {
        "append": lambda name: catalog.append(RUNS, [run(name)]),
        "replace": lambda name: catalog.replace(RUNS, [run(0, name)]),
        "remove": lambda name: catalog.remove(RUNS, ["r1" if name == "first" else "r2"]),
        "compact": lambda _: catalog.compact(RUNS, 1),
    }
    late = catalog._opened(RUNS)
    steps[first]("first")
    opened, tries = Catalog._opened, []

    def opened_late(self: Catalog, table: Table) -> deltalake.DeltaTable:
        tries.append(1)
        return late if len(tries) == 1 else opened(self, table)

    monkeypatch.setattr(Catalog, "_opened", opened_late)
    steps[second]("second")
    assert len(tries) == 2
    names = catalog.read(RUNS, ["run_id"])["run_id"].to_pylist()
    gone = {"r1"} if first == "remove" else set()
    gone |= {"r2"} if second == "remove" else set()
    new = {"rfirst"} if first == "append" else set()
    new |= {"rsecond"} if second == "append" else set()
    assert sorted(names) == sorted({"r0", "r1", "r2"} - gone | new)


# A store that ignores conditional puts


@pytest.fixture
def careless_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket behind ``rclone serve s3``, which overwrites what must not be overwritten."""
    rclone = shutil.which("rclone", path=str(Path(pytest.__file__).parents[4] / "bin"))
    rclone = rclone or shutil.which("rclone")
    if rclone is None:
        pytest.skip("rclone is not installed: no store that ignores conditional puts")
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    served = [str(tmp_path / "served"), "--addr", address, "--auth-key", "test,secret"]
    server = subprocess.Popen(
        [rclone, "serve", "s3", *served], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_open(address)
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{address}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield "s3://bucket/root"
    finally:
        server.terminate()
        server.wait(10)
        s3fs.S3FileSystem.clear_instance_cache()


def _wait_until_open(address: str) -> None:
    host, port = address.split(":")
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(address)


def test_a_store_that_ignores_conditional_puts_is_refused_before_a_row_is_written(
    careless_root: str, tmp_path: Path
) -> None:
    def refused(_: int) -> bool:
        with pytest.raises(InvalidInputError, match="honours conditional puts"):
            open_catalog(careless_root)
        return True

    assert all(at_once(refused, 4))
    assert not list((tmp_path / "served").rglob("_delta_log"))


def test_an_archive_moved_to_such_a_store_is_refused_as_well(
    careless_root: str, tmp_path: Path
) -> None:
    catalog = open_catalog(str(tmp_path / "good"))
    catalog.append(RUNS, [run(number) for number in range(5)])
    shutil.copytree(tmp_path / "good", tmp_path / "served" / "bucket" / "root")
    with pytest.raises(InvalidInputError, match="honours conditional puts"):
        open_catalog(careless_root)

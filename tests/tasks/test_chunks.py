"""How the work of a flow run is cut, and what is found of a run that was killed."""

import json

from artgan.storage import open_store
from tasks.chunks import Plan, cut, plan


def test_little_work_is_cut_into_chunks_of_the_least_size() -> None:
    planned = {"a": Plan(list(range(5)), []), "b": Plan([], []), "c": Plan([8, 9], [])}
    assert dict(cut(planned, 2)) == {"a": [[0, 1], [2, 3], [4]], "c": [[8, 9]]}


def test_a_collection_that_a_killed_run_had_made_is_still_to_be_committed() -> None:
    assert dict(cut({"a": Plan([], [{"output_id": "x"}])}, 2)) == {"a": []}


def test_much_work_stays_under_a_thousand_task_runs_and_loses_nothing() -> None:
    sizes = {f"collection {number}": 2**number * 1000 for number in range(10)}
    planned = {name: Plan(list(range(size)), []) for name, size in sizes.items()}
    chunks = dict(cut(planned, 64))
    assert sum(map(len, chunks.values())) <= 500 + len(sizes)
    for name, size in sizes.items():
        assert [item for chunk in chunks[name] for item in chunk] == list(range(size))


def test_what_a_killed_run_had_made_is_found_whatever_arrived_since(any_root: str) -> None:
    store = open_store(any_root)
    entries = [{"identity": name, "page": page} for name in "bd" for page in (1, 2)]
    store.write("_work/ingest/prints/1.json", json.dumps(entries).encode())
    store.write("_work/ingest/prints/2.json", json.dumps(entries[:2]).encode())
    store.write("_work/ingest/other/3.json", json.dumps([{"identity": "a"}]).encode())
    items = {name: f"file {name}" for name in "abce"}
    found = plan(store, "ingest/prints", items, "identity")
    assert found == Plan(["file a", "file c", "file e"], entries[:2])

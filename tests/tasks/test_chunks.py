"""How the work of a flow run is cut."""

from tasks.chunks import cut


def test_little_work_is_cut_into_chunks_of_the_least_size() -> None:
    assert dict(cut({"a": range(5), "b": [], "c": "xy"}, 2)) == {
        "a": [[0, 1], [2, 3], [4]],
        "c": [["x", "y"]],
    }


def test_much_work_stays_under_a_thousand_task_runs_and_loses_nothing() -> None:
    sizes = {f"collection {number}": 2**number * 1000 for number in range(10)}
    planned = {name: range(size) for name, size in sizes.items()}
    chunks = dict(cut(planned, 64))
    assert sum(map(len, chunks.values())) <= 500 + len(sizes)
    for name, size in sizes.items():
        assert [item for chunk in chunks[name] for item in chunk] == list(range(size))

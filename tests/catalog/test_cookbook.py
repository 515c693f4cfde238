"""Every snippet of docs/cookbook.md, on a small archive: three answers to each question agree."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from artgan.catalog.views import VIEWS

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text()
_WAYS = (("DuckDB", "sql"), ("pandas", "python"), ("Spark SQL", "sql"))

# Runs the page's own preparation, then each statement; prints the rows as JSON.
_SPARK = """
import json, sys
work = json.load(sys.stdin)
exec(work["preparation"])
spark.sparkContext.setLogLevel("ERROR")
for question, sql in work["questions"].items():
    frame = spark.sql(sql).toPandas()
    print("ROWS", question, frame.to_json(orient="split", date_format="iso", date_unit="us"))
"""


def _questions() -> dict[str, dict[str, str]]:
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        question, _, rest = section.partition("\n")
        found[question] = {
            way: re.findall(rf"^{way}\n\n```{language}\n(.*?)```$", rest, re.S | re.M)[0]
            for way, language in _WAYS
        }
    return found


QUESTIONS = _questions()


def _preparation(words: str) -> str:
    start = PAGE.index(words)
    return re.findall(r"```python\n(.*?)```", PAGE[start:], re.S)[0]


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: whole numbers as floats, moments as text, nothing as None."""
    text = frame.to_json(orient="records", date_format="iso", date_unit="us")
    return [{name: _plain(value) for name, value in row.items()} for row in json.loads(text)]


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return pytest.approx(float(value))


def _ask_duckdb(sql: str) -> pd.DataFrame:
    names: dict[str, Any] = {}
    exec(_preparation("**DuckDB**"), names)
    connection: duckdb.DuckDBPyConnection = names["connection"]
    connection.execute("set TimeZone = 'UTC'")
    return connection.execute(sql).df()


def test_there_are_ten_questions() -> None:
    assert [int(question.split(".")[0]) for question in QUESTIONS] == list(range(1, 11))
    assert all(question.endswith("?") for question in QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_duckdb_and_pandas_give_the_same_rows(
    question: str, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published)
    names: dict[str, Any] = {}
    exec(_preparation("**pandas**") + QUESTIONS[question]["pandas"], names)
    asked = _ask_duckdb(QUESTIONS[question]["DuckDB"])
    assert list(asked.columns) == list(names["answer"].columns)
    assert len(asked) > 0
    assert _rows(names["answer"]) == _rows(asked)


@pytest.mark.slow
def test_spark_gives_the_same_rows(
    published: Path, monkeypatch: pytest.MonkeyPatch, other_readers: Callable[[str], str]
) -> None:
    python = other_readers("pyspark")
    monkeypatch.chdir(published)
    work = {
        "preparation": _preparation("**Spark**"),
        "questions": {name: ways["Spark SQL"] for name, ways in QUESTIONS.items()},
    }
    command = [python, "-c", _SPARK]
    done = subprocess.run(
        command, input=json.dumps(work), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [line[5:] for line in done.stdout.splitlines() if line.startswith("ROWS ")]
    assert len(answers) == len(QUESTIONS)
    for (question, ways), answer in zip(QUESTIONS.items(), answers, strict=True):
        found = json.loads(answer.removeprefix(f"{question} "))
        asked = _ask_duckdb(ways["DuckDB"])
        assert found["columns"] == list(asked.columns), question
        rows = [dict(zip(found["columns"], row, strict=True)) for row in found["data"]]
        plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
        assert [_no_zone(row) for row in plain] == [_no_zone(row) for row in _rows(asked)], question


def _no_zone(row: dict[str, Any]) -> dict[str, Any]:
    """Spark hands moments over in the session's zone, which is UTC, without saying so."""
    return {n: v.removesuffix("Z") if isinstance(v, str) else v for n, v in row.items()}


# Copies of the small archive's rows, each with keys of its own.
_MANY = {
    "scans": ("scan_id", "object_id", "duplicate_group"),
    "masks": ("mask_id", "scan_id"),
    "outputs": ("output_id", "scan_id", "mask_id"),
    "metrics": ("metric_id", "collection"),
    "events": ("event_id", "object_path"),
    "quarantine": ("quarantine_id",),
}


def test_views_and_answers_take_at_most_a_second_on_a_hundred_thousand_rows(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(published, tmp_path / "many"))
    monkeypatch.chdir(folder)
    for name, keys in _MANY.items():
        file = f"{name}/{name}.parquet"
        own = ", ".join(f"{key} || '-' || n as {key}" for key in keys)
        duckdb.sql(
            f"copy (select s.* replace ({own}) from '{file}' s, range(100000) r(n) "
            f"where n < 100000 / (select count(*) from '{file}')) to 'more.parquet'"
        )
        Path("more.parquet").rename(file)
    names: dict[str, Any] = {}
    exec(_preparation("**DuckDB**"), names)
    asked = {view.name: f"from {view.name}" for view in VIEWS}
    asked |= {question: ways["DuckDB"] for question, ways in QUESTIONS.items()}
    assert names["connection"].execute("select count(*) from scans").fetchone()[0] >= 99_999
    for name, sql in asked.items():
        start = time.process_time()
        names["connection"].execute("set threads = 1")
        names["connection"].sql(sql).to_arrow_table()
        assert time.process_time() - start < 1.0, name


def test_the_digests_of_the_page_find_a_changed_file(
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(shutil.copytree(published, tmp_path / "copy"))
    exec(_preparation("A copy can be checked"), {})
    assert "differs" not in capsys.readouterr().out
    Path("runs/runs.parquet").write_bytes(b"changed")
    exec(_preparation("A copy can be checked"), {})
    assert "runs/runs.parquet differs" in capsys.readouterr().out.splitlines()

from pathlib import Path

from artgan.catalog.runs import close_run, finish_run, start_run
from artgan.catalog.schema import RUNS
from artgan.catalog.table import open_catalog
from artgan.config import NightlySettings, TrainSettings


def test_an_interrupted_run_started_again_is_the_same_run(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    settings = NightlySettings(root=str(tmp_path), inbox="/inbox")
    killed = start_run(catalog, "nightly", settings, None)
    again = start_run(catalog, "nightly", settings, None)
    assert again.run_id == killed.run_id
    finish_run(catalog, again, "completed", "done")
    # Killed between its row and its end: still the same run.
    assert start_run(catalog, "nightly", settings, None).run_id == killed.run_id
    close_run(catalog, again)
    following = start_run(catalog, "nightly", settings, None)
    assert following.run_id != killed.run_id
    assert following.number == 2
    assert catalog.read(RUNS).num_rows == 1


def test_a_run_below_another_takes_its_identity_from_it(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    settings = TrainSettings(root=str(tmp_path))
    parent = start_run(catalog, "nightly", settings, None)
    child = start_run(catalog, "train", settings, parent.run_id)
    assert child.parent_run_id == parent.run_id
    assert start_run(catalog, "train", settings, parent.run_id).run_id == child.run_id
    finish_run(catalog, child, "completed", "done")
    # The same flow started by hand counts from 1 whatever ran below others.
    assert start_run(catalog, "train", settings, None).number == 1


def test_other_settings_are_another_run(tmp_path: Path) -> None:
    catalog = open_catalog(str(tmp_path))
    one = start_run(catalog, "train", TrainSettings(root=str(tmp_path)), None)
    other = start_run(catalog, "train", TrainSettings(root=str(tmp_path), seed=1), None)
    assert one.run_id != other.run_id

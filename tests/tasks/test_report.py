import logging

import pytest
from prefect import flow

from artgan.catalog.table import open_catalog
from artgan.config import ReportSettings
from artgan.errors import MissingAssetError
from tasks.report import check_extractor, measure_simulation, refresh_archive_network


@flow(name="logs")
def measured(settings: ReportSettings) -> None:
    check_extractor(settings)
    refresh_archive_network(settings)
    measure_simulation(settings, "river", "report-0")


class Kept(logging.Handler):
    """Keeps the sentences that tasks log."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.sentences.append(record.getMessage())


@pytest.fixture
def logged():
    handler, logger = Kept(), logging.getLogger("prefect.task_runs")
    logger.addHandler(handler)
    yield handler.sentences
    logger.removeHandler(handler)


def test_without_the_fid_network_no_log_says_fid(tmp_path, logged):
    open_catalog(str(tmp_path / "root"))
    measured(ReportSettings(root=str(tmp_path / "root")))
    assert "distances of sets are measured as FD-random" in logged
    assert any("no FD-archive" in sentence for sentence in logged)
    assert not any("FID" in sentence for sentence in logged)


def test_insisting_on_fid_without_its_network_stops_before_any_work(tmp_path):
    settings = ReportSettings(root=str(tmp_path / "root"), require_fid=True)
    with pytest.raises(MissingAssetError, match="weights for FID"):
        measured(settings)

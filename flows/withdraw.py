"""The withdraw flow: scans, and all that was made of them, leave the archive and stay out."""

from prefect import flow

from artgan.config import WithdrawSettings
from tasks.publish import publish_tables
from tasks.report import write_pages
from tasks.run import recorded_run
from tasks.withdraw import lift_withdrawals, show_scans, withdraw_scans


@flow(name="withdraw")
def withdraw(settings: WithdrawSettings) -> dict[str, int]:
    """Withdraw scans, or lift it; a dry run changes nothing, so it leaves no record either."""
    if settings.dry_run:
        return show_scans(settings)
    with recorded_run("withdraw", settings, afterwards=[write_pages, publish_tables]) as run:
        do = lift_withdrawals if settings.lift else withdraw_scans
        run.count(do(settings, run.run_id))
    return dict(run.counts)

"""The fixity flow: a share of the archive's files is read again and compared with the catalog."""

from prefect import flow

from artgan.config import FixitySettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.fixity import CHUNK, alarms_of, check_chunk, commit_checks, count_checks, plan_checks
from tasks.progress import gather
from tasks.run import recorded_run


@flow(name="fixity", task_runner=task_runner())
def fixity(settings: FixitySettings) -> dict[str, int]:
    """Read a share of all files again and compare them with what the catalog knows."""
    with recorded_run("fixity", settings) as run:
        work, out_of_reach = plan_checks(settings, run.run_id)
        for _, chunks in cut({"archive": work}, CHUNK):
            checked = [
                check_chunk.submit(settings, unsearched(chunk), run.run_id) for chunk in chunks
            ]
            manifests = [work.made, *gather(checked, "fixity")]
            commit_checks(settings, unsearched(manifests))
        counts = count_checks(settings, run.run_id)
        run.count(counts)
        run.alarms.extend(alarms_of(counts, out_of_reach))
    return dict(run.counts)

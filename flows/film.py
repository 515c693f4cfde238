"""The film flow: a film in the manner of each collection."""

from prefect import flow

from artgan.config import FilmSettings
from flows.runner import task_runner, unsearched
from tasks.collections import catalogued_collections
from tasks.film import (
    commit_films,
    cut_film,
    film_shots,
    forget_film,
    join_film,
    open_film,
    plan_films,
    share_out,
)
from tasks.progress import gather
from tasks.run import check_failures, recorded_run


@flow(name="film", task_runner=task_runner())
def film(settings: FilmSettings) -> dict[str, int]:
    """Render a film in the manner of each collection."""
    with recorded_run("film", settings) as run:
        source = open_film(settings)
        for collection in catalogued_collections(settings):
            planned = plan_films(settings, collection, source)
            manifests = [planned.made]
            for job in planned.todo:
                cuts = cut_film(settings, source, unsearched(job))
                asked = settings, collection, source, unsearched(job), unsearched(cuts)
                made = [film_shots.submit(*asked, numbers) for numbers in share_out(cuts)]
                troubles = gather(made, f"film {collection}, {job['shape']['method']}")
                manifests.append(join_film(*asked, troubles))
            if any(manifests):
                run.count(commit_films(settings, collection, source, manifests, run.run_id))
        check_failures(run, 0.0)
        forget_film(settings, source)
    return dict(run.counts)

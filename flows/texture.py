"""The texture flow: endless tiles made of one work or a few."""

from prefect import flow

from artgan.config import TextureSettings
from flows.runner import task_runner, unsearched
from tasks.chunks import cut
from tasks.progress import gather
from tasks.run import recorded_run
from tasks.texture import CHUNK, commit_textures, plan_textures, texture_chunk


@flow(name="texture", task_runner=task_runner())
def texture(settings: TextureSettings) -> dict[str, int]:
    """Make textures from one work or a few: tiles without end in both directions, of any size."""
    with recorded_run("texture", settings) as run:
        collection, work = plan_textures(settings)
        for _, chunks in cut({collection: work}, CHUNK):
            made = [texture_chunk.submit(settings, collection, unsearched(one)) for one in chunks]
            manifests = [work.made, *gather(made, f"texture {collection}")]
            run.count(commit_textures(settings, collection, unsearched(manifests), run.run_id))
    return dict(run.counts)

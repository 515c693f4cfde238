"""The task of the review flow."""

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from artgan.catalog.review import record_reviews, select_outputs
from artgan.catalog.table import open_catalog
from artgan.clock import now
from artgan.config import ReviewSettings


@task(cache_policy=NO_CACHE, task_run_name="record-review")
def record_review(settings: ReviewSettings, run_id: str) -> dict[str, int]:
    """Write down one judgement of each file."""
    catalog = open_catalog(settings.root)
    said = {
        "decision": settings.decision,
        "reviewer": settings.reviewer.strip(),
        "role": settings.role.strip() or None,
        "notes": settings.notes.strip() or None,
        "reviewed_at": now(),
        "run_id": run_id,
    }
    outputs = select_outputs(catalog, settings.outputs)
    count = record_reviews(catalog, outputs, said)
    for row in outputs:
        get_run_logger().info("%s: %s by %s", row["output_id"], said["decision"], said["reviewer"])
    return {"done": count, "reviews": count}

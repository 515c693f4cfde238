"""Every measure that a report shows: its name, unit, direction, one sentence and its source."""

from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "none"]

FEW_WORKS = 20
INTERVAL_ONLY_BELOW = 50
FULL_RANK = 2048
PUBLISHED_SIZE = 10_000


@dataclass(frozen=True)
class Metric:
    """One measure.

    Attributes:
        name: As in the metrics table.
        title: As in a report's heading.
        unit: Unit of the value; empty for a pure number.
        better: Which direction is better; ``none`` for a number that only helps to read others.
        sentence: What it says, for somebody who does not know it.
        source: Paper or document that defines it.
    """

    name: str
    title: str
    unit: str
    better: Better
    sentence: str
    source: str


METRICS: tuple[Metric, ...] = (
    Metric(
        "kid_x1000",
        "KID x 1000",
        "",
        "lower",
        "How far generated pictures are from real works in a network's eyes; around 0, above or "
        "below, the two cannot be told apart.",
        "Binkowski et al. 2018, arXiv:1801.01401",
    ),
    Metric(
        "fd",
        "Fréchet distance",
        "",
        "lower",
        "Distance between generated pictures and as many real works; it shrinks as more are "
        "compared, so read it beside the floor.",
        "Heusel et al. 2017, arXiv:1706.08500",
    ),
    Metric(
        "fd_floor",
        "Fréchet floor",
        "",
        "none",
        "The same distance between two halves of the real works: what no difference reads as.",
        "Own; Heusel et al. 2017, arXiv:1706.08500 for the distance",
    ),
    Metric(
        "fd_excess",
        "Fréchet excess",
        "",
        "lower",
        "Distance minus floor; about 0 for pictures like the real works, whatever their number.",
        "Own; Heusel et al. 2017, arXiv:1706.08500 for the distance",
    ),
    Metric(
        "psnr_hole_db",
        "PSNR in the damage",
        "dB",
        "higher",
        "How closely the restored pixels repeat the true ones; 6 dB more is half the error.",
        "10 log10(255^2 / mean squared error)",
    ),
    Metric(
        "ssim_hole",
        "SSIM in the damage",
        "",
        "higher",
        "How alike restored and true light and texture are around each restored pixel; 1 is equal.",
        "Wang et al. 2004, doi:10.1109/TIP.2003.819861",
    ),
    Metric(
        "delta_e00_hole",
        "Colour error in the damage",
        "CIEDE2000",
        "lower",
        "Mean visible difference in colour of the restored pixels; about 1 is just visible.",
        "Sharma et al. 2005, doi:10.1002/col.20070",
    ),
    Metric(
        "copy_ratio",
        "Copy ratio",
        "",
        "none",
        "How near pictures lie to training works compared with unseen ones; about 1 is honest, "
        "under 0.9 hints at copying.",
        "Own; median nearest distances, calibrated on held-out works",
    ),
    Metric(
        "copied_share",
        "Copied share",
        "fraction",
        "lower",
        "Share of generated pictures closer to a training work or its mirror image than half of "
        "that work's distance to the next work.",
        "Own; threshold 0.5 set with planted copies",
    ),
    Metric(
        "diversity_ratio",
        "Diversity",
        "",
        "none",
        "Mean distance between generated pictures over that between real works; 1 is as varied, "
        "under 0.6 the generator repeats itself.",
        "Own; mean pairwise feature distances",
    ),
    Metric(
        "density",
        "Density",
        "",
        "higher",
        "How deep generated pictures lie among the real works; about 1 is typical.",
        "Naeem et al. 2020, arXiv:2002.09797",
    ),
    Metric(
        "coverage",
        "Coverage",
        "fraction",
        "higher",
        "Share of the real works that have a generated picture in their neighbourhood.",
        "Naeem et al. 2020, arXiv:2002.09797",
    ),
    Metric(
        "style_distance",
        "Style distance",
        "",
        "lower",
        "Distance to the style in units of the style's own spread; its own works read about 1.",
        "Own; statistics of Huang and Belongie 2017, arXiv:1703.06868",
    ),
    Metric(
        "content_distance",
        "Content distance",
        "",
        "lower",
        "How much of what is where changed with the style; 0 is unchanged, 1 is all.",
        "Own; cosine of feature maps",
    ),
)


def find_metric(name: str) -> Metric | None:
    """Return the measure of that name, or None if no report knows it."""
    return next((metric for metric in METRICS if metric.name == name), None)


def sample_note(n: int) -> tuple[str, str]:
    """Say how far a number over n works may be trusted.

    Args:
        n: Distinct works on the smaller side, or the matched number; not crops, not flips.

    Returns:
        The status for the metrics table (``insufficient_n``, ``small_n`` or ``ok``) and the words
        for a report; no words are needed from 10,000 on.
    """
    if n < FEW_WORKS:
        return (
            "insufficient_n",
            f"Too few works (n = {n}) to compare; value shown for information",
        )
    if n < INTERVAL_ONLY_BELOW:
        return "small_n", "few works: interval only"
    if n < FULL_RANK:
        return (
            "ok",
            "biased by sample size; read the excess; not comparable with published FID",
        )
    if n < PUBLISHED_SIZE:
        return "ok", "covariance full rank; published FIDs use 10,000-50,000"
    return "ok", ""

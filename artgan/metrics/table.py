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
        function: The function below ``artgan.metrics`` that computes it.
        fewest: Works on the smaller side, or the matched number, below which no report gets it.
    """

    name: str
    title: str
    unit: str
    better: Better
    sentence: str
    source: str
    function: str
    fewest: int = 0


METRICS: tuple[Metric, ...] = (
    Metric(
        "kid_x1000",
        "KID x 1000",
        "",
        "lower",
        "How far generated pictures are from real works in a network's eyes; around 0, above or "
        "below, the two cannot be told apart.",
        "Binkowski et al. 2018, arXiv:1801.01401",
        "kernel.kid_x1000",
    ),
    Metric(
        "fd",
        "Fréchet distance",
        "",
        "lower",
        "Distance between generated pictures and as many real works; it shrinks as more are "
        "compared, so read it beside the floor.",
        "Heusel et al. 2017, arXiv:1706.08500",
        "frechet.frechet_distance",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "fd_floor",
        "Fréchet floor",
        "",
        "none",
        "The same distance between halves of the real works, and between halves of the generated "
        "ones, averaged: what no difference reads as.",
        "Own; Heusel et al. 2017, arXiv:1706.08500 for the distance",
        "frechet.frechet_excess",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "fd_excess",
        "Fréchet excess",
        "",
        "lower",
        "Distance minus floor; about 0 for pictures like the real works, whatever their number.",
        "Own; Heusel et al. 2017, arXiv:1706.08500 for the distance",
        "frechet.frechet_excess",
        FEW_WORKS,
    ),
    Metric(
        "psnr_hole_db",
        "PSNR in the damage",
        "dB",
        "higher",
        "How closely the restored pixels repeat the true ones; 6 dB more is half the error.",
        "10 log10(255^2 / mean squared error)",
        "paired.psnr",
    ),
    Metric(
        "psnr_db",
        "PSNR",
        "dB",
        "higher",
        "How closely an enhanced picture repeats the true one; 6 dB more is half the error.",
        "10 log10(255^2 / mean squared error)",
        "paired.psnr",
    ),
    Metric(
        "ssim",
        "SSIM",
        "",
        "higher",
        "How alike made and true light and texture are everywhere; 1 is equal.",
        "Wang et al. 2004, doi:10.1109/TIP.2003.819861",
        "paired.ssim",
    ),
    Metric(
        "delta_e00",
        "Colour error",
        "CIEDE2000",
        "lower",
        "Mean visible difference in colour to the true picture; about 1 is just visible.",
        "Sharma et al. 2005, doi:10.1002/col.20070",
        "paired.delta_e00",
    ),
    Metric(
        "clean_delta_e00",
        "Change of undamaged works",
        "CIEDE2000",
        "lower",
        "Mean visible difference in colour that works suffer that need no correction.",
        "Sharma et al. 2005, doi:10.1002/col.20070",
        "paired.delta_e00",
    ),
    Metric(
        "ssim_hole",
        "SSIM in the damage",
        "",
        "higher",
        "How alike restored and true light and texture are around each restored pixel; 1 is equal.",
        "Wang et al. 2004, doi:10.1109/TIP.2003.819861",
        "paired.ssim",
    ),
    Metric(
        "delta_e00_hole",
        "Colour error in the damage",
        "CIEDE2000",
        "lower",
        "Mean visible difference in colour of the restored pixels; about 1 is just visible.",
        "Sharma et al. 2005, doi:10.1002/col.20070",
        "paired.delta_e00",
    ),
    Metric(
        "feature_distance_vgg19_conv3_4",
        "Feature distance in VGG-19",
        "",
        "lower",
        "How different the restored crop looks from the true one to a trained network; 0 is equal.",
        "Form of Zhang et al. 2018, arXiv:1801.03924, without its learned weights: not LPIPS",
        "perceptual.feature_distance",
    ),
    Metric(
        "texture_ratio",
        "Texture in the damage",
        "",
        "none",
        "Fine detail of the restored pixels over that of the true ones: 1 is as much, under 1 is "
        "too smooth; read it beside the PSNR, for it does not say whether the detail is right.",
        "Own; root of the ratio of summed squared Laplacians",
        "paired.texture_ratio",
    ),
    Metric(
        "boundary_ratio",
        "Step at the edge of the damage",
        "",
        "none",
        "How large steps across the edge of the damage are beside those of the true picture; 1 "
        "shows no edge, more shows one.",
        "Own; ratio of mean absolute differences of neighbours",
        "paired.boundary_ratio",
    ),
    Metric(
        "max_change_outside",
        "Largest change outside the damage",
        "levels",
        "lower",
        "How far any pixel outside the damage moved; it must be 0.",
        "Maximum of absolute differences",
        "paired.max_abs_change_outside",
    ),
    Metric(
        "ms_ssim",
        "MS-SSIM",
        "",
        "higher",
        "SSIM at five scales, for pictures of at least 176 px; 1 is equal.",
        "Wang, Simoncelli and Bovik 2003, doi:10.1109/ACSSC.2003.1292216",
        "paired.ms_ssim",
    ),
    Metric(
        "copy_ratio",
        "Copy ratio",
        "",
        "none",
        "How near pictures lie to training works compared with unseen ones; about 1 is honest, "
        "under 0.9 hints at copying.",
        "Own; median nearest distances, calibrated on held-out works",
        "memorisation.copy_ratio",
    ),
    Metric(
        "copied_share",
        "Copied share",
        "fraction",
        "lower",
        "Share of generated pictures closer to a training work or its mirror image than half of "
        "that work's distance to the next work.",
        "Own; threshold 0.5 set with planted copies",
        "memorisation.copied_share",
    ),
    Metric(
        "diversity_ratio",
        "Diversity",
        "",
        "none",
        "Mean distance between generated pictures over that between real works; 1 is as varied, "
        "under 0.6 the generator repeats itself.",
        "Own; mean pairwise feature distances",
        "diversity.diversity_ratio",
    ),
    Metric(
        "vendi_score",
        "Vendi score",
        "pictures",
        "none",
        "How many pictures without anything in common would be as varied as these; read it "
        "beside that of as many real works.",
        "Friedman and Dieng 2023, arXiv:2210.02410",
        "diversity.vendi_score",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "density",
        "Density",
        "",
        "higher",
        "How deep generated pictures lie among the real works; about 1 is typical.",
        "Naeem et al. 2020, arXiv:2002.09797",
        "diversity.density_coverage",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "coverage",
        "Coverage",
        "fraction",
        "higher",
        "Share of the real works that have a generated picture in their neighbourhood.",
        "Naeem et al. 2020, arXiv:2002.09797",
        "diversity.density_coverage",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "precision",
        "Precision",
        "fraction",
        "higher",
        "Share of generated pictures that lie in the neighbourhood of a real work; near 1 in "
        "small sets whatever they show.",
        "Kynkäänniemi et al. 2019, arXiv:1904.06991",
        "diversity.precision_recall",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "recall",
        "Recall",
        "fraction",
        "higher",
        "Share of real works that lie in the neighbourhood of a generated picture; near 1 in "
        "small sets whatever they show.",
        "Kynkäänniemi et al. 2019, arXiv:1904.06991",
        "diversity.precision_recall",
        INTERVAL_ONLY_BELOW,
    ),
    Metric(
        "style_distance",
        "Style distance",
        "",
        "lower",
        "Distance to the style in units of the style's own spread; its own works read about 1.",
        "Own; statistics of Huang and Belongie 2017, arXiv:1703.06868",
        "style.style_distance",
    ),
    Metric(
        "content_distance",
        "Content distance",
        "",
        "lower",
        "How much of what is where changed with the style; 0 is unchanged, 1 is all.",
        "Own; cosine of feature maps",
        "style.content_distance",
    ),
    Metric(
        "gram_distance",
        "Gram distance",
        "",
        "lower",
        "Distance to the mean of the style's works in VGG-19's brush and colour patterns, "
        "relative to that mean.",
        "Gatys et al. 2016; divided as in Cheng et al. 2021, arXiv:2104.10064",
        "perceptual.gram_distance",
    ),
    Metric(
        "cfsd",
        "Content structure distance (CFSD)",
        "nats",
        "lower",
        "How much of which parts of a picture are like which others was lost with the style; "
        "0 is none, colour hardly counts.",
        "Form of Chung et al. 2024, arXiv:2312.09008; cosines, and the mean over places",
        "perceptual.content_structure_distance",
    ),
    Metric(
        "lpips",
        "LPIPS to the content",
        "",
        "lower",
        "How much a rendering differs from its content to a network that judges much as people do; "
        "0 is equal.",
        "Zhang et al. 2018, arXiv:1801.03924; Wright and Ommer 2022, arXiv:2207.12280",
        "artfid.lpips",
    ),
    Metric(
        "art_fd",
        "Fréchet distance in a network of art",
        "",
        "lower",
        "How far renderings are from the style's works to a network that learned from art. It "
        "grows as fewer are compared, so hold it only against methods measured on the same works.",
        "Wright and Ommer 2022, arXiv:2207.12280",
        "frechet.frechet_distance",
    ),
    Metric(
        "seam_ratio",
        "Seam ratio",
        "",
        "none",
        "Steps across tile borders over the same steps in the picture made at once; 1 is no seam.",
        "Own; ratio of mean absolute differences",
        "tiling.seam_ratio",
    ),
    Metric(
        "border_ratio",
        "Border of a tile",
        "",
        "none",
        "Steps across the border of a tile laid beside itself over the steps next to it; 1 is no "
        "seam.",
        "Own; ratio of mean absolute differences",
        "borders.border_ratio",
    ),
    Metric(
        "frame_difference",
        "Frame difference",
        "",
        "lower",
        "How much a frame differs from the next, motion and all; read it beside the source's.",
        "Own; mean absolute difference",
        "motion.frame_difference",
    ),
    Metric(
        "warping_error",
        "Warping error",
        "",
        "lower",
        "Change of a clip beyond its motion; read it beside that of the source clip.",
        "Lai et al. 2018, arXiv:1808.00449; mask of Ruder et al. 2016",
        "motion.warping_error",
    ),
    Metric(
        "union_f1",
        "F1 of detected damage",
        "",
        "higher",
        "How well the marked pixels agree with the damaged ones; 1 is the same mask.",
        "van Rijsbergen 1979, chapter 7; over all pixels of all crops",
        "masks.f1",
    ),
    Metric(
        "damage_precision",
        "Precision of detected damage",
        "",
        "higher",
        "Which part of the marked pixels is damaged.",
        "van Rijsbergen 1979, chapter 7; over all pixels of all crops",
        "masks.precision",
    ),
    Metric(
        "damage_recall",
        "Recall of detected damage",
        "",
        "higher",
        "Which part of the damaged pixels is marked.",
        "van Rijsbergen 1979, chapter 7; over all pixels of all crops",
        "masks.recall",
    ),
    Metric(
        "clean_altered",
        "Undamaged works marked",
        "",
        "lower",
        "Which part of undamaged pictures is taken for damage with the usual classes.",
        "Own; mean share of pixels",
        "masks.altered",
    ),
    Metric(
        "membership_auc",
        "Membership: members ranked first",
        "",
        "lower",
        "How often an attacker gives a work that the model learned from a higher score than one "
        "that it did not; 0.5 is guessing.",
        "Mann and Whitney 1947; Hayes et al. 2019, arXiv:1705.07663 for the attack",
        "membership.membership",
    ),
    Metric(
        "membership_advantage",
        "Membership: advantage",
        "",
        "lower",
        "Share of training works that an attacker finds minus the share of other works accused "
        "for it, at a threshold chosen on other works; 0 is guessing.",
        "Yeom et al. 2018, arXiv:1709.01604; threshold by halves, own",
        "membership.membership",
    ),
    Metric(
        "membership_tpr",
        "Membership: told at 1 % false alarms",
        "fraction",
        "lower",
        "Share of training works told for sure: above 99 in 100 of the works that were not "
        "learned from, or above all of them where there are fewer than 100.",
        "Carlini et al. 2022, arXiv:2112.03570",
        "membership.membership",
    ),
    Metric(
        "attacked_accuracy",
        "Collection told",
        "fraction",
        "higher",
        "Share of works whose collection, or artist, is told rightly, as they are and after they "
        "were changed on purpose within a bound.",
        "Madry et al. 2018, arXiv:1706.06083",
        "intervals.wilson",
    ),
    Metric(
        "attacked_f1",
        "F1 of detected damage, attacked",
        "",
        "higher",
        "How well marked pixels agree with damaged ones, as pictures are and after they were "
        "changed on purpose within a bound.",
        "Madry et al. 2018, arXiv:1706.06083; van Rijsbergen 1979, chapter 7",
        "masks.f1",
    ),
    Metric(
        "attacked_auc",
        "Real told from generated",
        "",
        "higher",
        "How often a real work gets a higher score than a generated one, as both are and after "
        "both were changed on purpose within a bound; 0.5 is guessing.",
        "Madry et al. 2018, arXiv:1706.06083; Mann and Whitney 1947",
        "intervals.area_under_curve",
    ),
)


def find_metric(name: str) -> Metric | None:
    """Return the measure of that name, or None if no report knows it."""
    return next((metric for metric in METRICS if metric.name == name), None)


def is_shown(name: str, n: int) -> bool:
    """Whether a measure says anything at n works, counted as `Metric.fewest` counts them."""
    known = find_metric(name)
    return known is None or n >= known.fewest


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

import importlib
import inspect
import pkgutil

import pytest

import artgan.metrics
from artgan.metrics.table import METRICS, find_metric, is_shown, sample_note

# Public functions that measure nothing themselves: what they serve, or how they are called
_NO_MEASURES = {
    "arrays to features": {
        "archive_network.archive_extractor",
        "features.extract",
        "features.inception_extractor",
        "features.load_extractor",
        "features.load_vgg_extractor",
        "features.normalise",
        "features.prepared_batches",
        "features.random_extractor",
        "features.vgg_extractor",
        "artfid.load_art_inception",
        "artfid.load_lpips",
        "inception.inception_layout",
        "inception.load_inception",
        "memorisation.pixel_features",
        "preprocess.to_clean_fid",
        "preprocess.to_long_side",
        "preprocess.to_pytorch_fid",
        "preprocess.to_square",
        "style.style_statistics",
        "vgg.load_vgg",
        "weights_file.fill",
        "weights_file.read_tensors",
    },
    "parts of a measure": {
        "intervals.area_interval",
        "intervals.difference_interval",
        "intervals.exact_interval",
        "colour_difference.ciede2000",
        "colour_difference.srgb_to_lab",
        "feature_store.picture_sha256",
        "gram.check_features",
        "gram.itself",
        "kernel.kernel_distance",
        "membership.sample_scores",
        "memorisation.honest_copy_ratio",
        "memorisation.nearer",
        "memorisation.nearest_works",
        "motion.change_beyond_motion",
        "motion.moved_back",
        "motion.pixels_in_sight",
        "perceptual.compare_pairs",
        "perceptual.distance_to_grams",
        "perceptual.style_grams",
        "attacks.attack_name",
        "attacks.attack_names",
        "robustness.attacked",
        "robustness.climb",
        "robustness.fgsm",
        "robustness.margin",
        "robustness.marked_wrongly",
        "robustness.pgd",
        "robustness.random_signs",
        "robustness.stored",
        "motion.steady_pixels",
    },
    "the table": {"table.find_metric", "table.is_shown", "table.sample_note"},
}


def public_functions():
    """Functions below artgan.metrics by module and name; a measure of a Gram is that measure."""
    found = set()
    for info in pkgutil.iter_modules(artgan.metrics.__path__):
        module = importlib.import_module(f"artgan.metrics.{info.name}")
        for name, _ in inspect.getmembers(module, inspect.isfunction):
            own = getattr(module, name).__module__ == module.__name__
            if own and not name.startswith("_"):
                found.add(f"{info.name}.{name.removesuffix('_in')}")
    return found


def test_every_public_measure_is_in_the_table_and_every_function_of_the_table_exists():
    listed = {metric.function for metric in METRICS}
    assert listed <= public_functions()
    assert public_functions() - listed - set().union(*_NO_MEASURES.values()) == set()


def test_names_are_unique_and_every_measure_is_explained():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.title
        assert metric.source
        assert metric.sentence.endswith(".")
        assert metric.better in ("lower", "higher", "none")


def test_no_measure_is_called_fid():
    assert not any("FID" in metric.title or "fid" in metric.name for metric in METRICS)


def test_distances_of_sets_are_shown_from_the_sizes_at_which_they_say_something():
    assert not is_shown("fd", 49)
    assert is_shown("fd", 50)
    assert not is_shown("fd_excess", 19)
    assert is_shown("fd_excess", 20)
    assert not is_shown("recall", 49)
    assert is_shown("psnr_hole_db", 1)


def test_measure_is_found_by_name():
    found = find_metric("psnr_hole_db")
    assert found is not None
    assert (found.unit, found.better) == ("dB", "higher")
    assert find_metric("beauty") is None


@pytest.mark.parametrize(
    ("n", "status", "words"),
    [
        (0, "insufficient_n", "Too few works (n = 0)"),
        (19, "insufficient_n", "Too few works (n = 19) to compare; value shown for information"),
        (20, "small_n", "few works: interval only"),
        (49, "small_n", "few works"),
        (50, "ok", "not comparable with published FID"),
        (2047, "ok", "read the excess"),
        (2048, "ok", "covariance full rank"),
        (9_999, "ok", "published FIDs use 10,000-50,000"),
    ],
)
def test_sample_note_follows_the_size_of_the_sample(n, status, words):
    found = sample_note(n)
    assert found[0] == status
    assert words in found[1]


def test_large_samples_need_no_words():
    assert sample_note(10_000) == ("ok", "")

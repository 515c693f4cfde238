import numpy as np
import pytest
from scipy.spatial.distance import cdist

from artgan.errors import InvalidInputError
from artgan.metrics import gram as module
from artgan.metrics.diversity import density_coverage_in, diversity_ratio_in, precision_recall_in
from artgan.metrics.frechet import frechet_excess_in
from artgan.metrics.gram import Gram
from artgan.metrics.kernel import kid_x1000_in
from artgan.metrics.memorisation import copy_ratio_in, nearest_works_in


def features(n, seed, shift=0.0, d=40):
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def joined(strips):
    return np.concatenate([strip for _, strip in strips])


def far_from_zero():
    return {"real": features(30, 0, 100.0), "generated": features(20, 1, 100.5)}


def test_distances_and_inner_products_are_those_of_the_features_themselves():
    sets = far_from_zero()
    gram = Gram.of(**sets)
    found = joined(gram.distances("real", "generated"))
    np.testing.assert_allclose(found, cdist(sets["real"], sets["generated"]), rtol=1e-10)
    products = joined(gram.inner("generated", "real"))
    np.testing.assert_allclose(products, sets["generated"] @ sets["real"].T, rtol=1e-12)


def test_pictures_that_are_equal_are_at_distance_zero():
    one = features(1, 0, 1000.0, d=2048)
    gram = Gram.of(real=np.repeat(one, 9, axis=0), generated=features(5, 1, d=2048))
    assert joined(gram.distances("real", "real")).max() == 0.0


def test_part_of_a_set_has_the_products_of_its_rows():
    gram = Gram.of(**far_from_zero()).with_part("some", "generated", np.array([4, 2]))
    whole = joined(gram.strips("generated", "real"))
    np.testing.assert_array_equal(joined(gram.strips("some", "real")), whole[[4, 2]])
    assert gram.size("some") == 2


def measures(sets):
    gram = Gram.of(**sets)
    nearest = nearest_works_in(gram, "generated", "real", "mirrored")
    return [
        *vars(kid_x1000_in(gram, "real", "generated")).values(),
        *vars(frechet_excess_in(gram, "real", "generated")).values(),
        *vars(density_coverage_in(gram, "real", "generated")).values(),
        *vars(precision_recall_in(gram, "real", "generated")).values(),
        *nearest.ratio,
        *nearest.index,
        diversity_ratio_in(gram, "generated", "real"),
        copy_ratio_in(gram, "generated", "real", "mirrored"),
    ]


def test_measures_are_the_same_whether_the_products_are_kept_or_made_in_strips(monkeypatch):
    sets = far_from_zero() | {"mirrored": features(30, 2, 100.0)}
    kept = measures(sets)
    monkeypatch.setattr(module, "_KEPT_ROWS", 0)
    monkeypatch.setattr(module, "_STRIP_VALUES", 70)
    assert Gram.of(**sets).products is None
    assert measures(sets) == pytest.approx(kept, rel=1e-9)


def test_many_pictures_are_measured_in_strips_of_bounded_size():
    many = Gram.of(real=features(4000, 0, d=4), generated=features(3000, 1, d=4))
    assert many.products is None
    assert max(strip.nbytes for _, strip in many.distances("real", "generated")) <= 32 << 20


def test_sets_that_do_not_fit_or_are_empty_are_refused():
    with pytest.raises(InvalidInputError, match="shapes"):
        Gram.of(real=features(3, 0), generated=features(3, 0, d=5))
    with pytest.raises(InvalidInputError, match="at least 1"):
        Gram.of(real=features(3, 0), generated=features(0, 0))

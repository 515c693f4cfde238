import numpy as np
import pytest

from artgan.errors import InvalidInputError
from artgan.metrics.discriminant import Discriminant


def clouds(rng, count):
    """Three long clouds beside each other: the nearest centre is often that of another."""
    labels = np.repeat([4, 7, 9], count)
    centres = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])[np.repeat([0, 1, 2], count)]
    along = rng.normal(size=(3 * count, 1)) * np.array([[3.0, -3.0]])
    return centres + along + rng.normal(size=centres.shape) * 0.15, labels


def test_it_tells_classes_apart_that_the_nearest_centre_does_not():
    rng = np.random.default_rng(0)
    features, labels = clouds(rng, 60)
    unseen, truth = clouds(rng, 60)
    told = Discriminant(features, labels)(unseen)
    assert set(told) <= {4, 7, 9}
    assert np.mean(told == truth) > 0.9
    centres = np.stack([features[labels == one].mean(axis=0) for one in (4, 7, 9)])
    nearest = np.linalg.norm(unseen[:, None] - centres, axis=2).argmin(axis=1)
    assert np.mean(np.array([4, 7, 9])[nearest] == truth) < 0.8


def test_its_answer_does_not_depend_on_the_unit_of_a_feature():
    rng = np.random.default_rng(1)
    features, labels = clouds(rng, 20)
    scaled = features * [1000.0, 0.01]
    assert np.array_equal(
        Discriminant(features, labels)(features), Discriminant(scaled, labels)(scaled)
    )


def test_more_features_than_works_and_features_without_spread_are_no_error():
    rng = np.random.default_rng(2)
    features = np.concatenate([rng.normal(size=(8, 40)), np.ones((8, 2))], axis=1)
    labels = np.array([0, 1] * 4)
    assert np.array_equal(Discriminant(features, labels)(features), labels)


def test_examples_without_labels_are_refused():
    with pytest.raises(InvalidInputError, match="one for each of 3 features, got 2"):
        Discriminant(np.ones((3, 2)), np.array([0, 1]))

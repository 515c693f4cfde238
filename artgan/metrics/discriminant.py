"""Which of several classes features belong to: Fisher's linear discriminant, in closed form."""

import numpy as np

from artgan.errors import InvalidInputError

_SHRINKAGE = 0.3


class Discriminant:
    """Tells classes apart by their means and their common covariance.

    It learns nothing by descent, so it gives an opinion that no network was trained to please.
    The covariance is moved by 0.3 towards a round one, for there are often fewer works than
    features.

    Args:
        features: (N, D).
        labels: (N,) numbers of classes.

    Raises:
        InvalidInputError: There are none, or the numbers differ.

    References:
        Fisher 1936, "The Use of Multiple Measurements in Taxonomic Problems"; the shrinkage:
        Friedman 1989, "Regularized Discriminant Analysis", eq. 18,
        https://doi.org/10.1080/01621459.1989.10478752
    """

    def __init__(self, features: np.ndarray, labels: np.ndarray) -> None:
        if len(labels) == 0 or len(labels) != len(features):
            raise InvalidInputError(
                f"labels must be one for each of {len(features)} features, got {len(labels)}. "
                "Give examples of each class."
            )
        self._classes, of = np.unique(labels, return_inverse=True)
        self._mean = features.mean(axis=0)
        self._scale = features.std(axis=0) + 1e-12
        scaled = self._scaled(features)
        centres = np.stack([scaled[of == one].mean(axis=0) for one in range(len(self._classes))])
        apart = scaled - centres[of]
        covariance = apart.T @ apart / len(apart)
        level = np.trace(covariance) / len(covariance) or 1.0
        covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * level * np.eye(len(covariance))
        self._slopes = np.linalg.solve(covariance, centres.T)  # (D, classes)
        self._offsets = -0.5 * np.einsum("kd,dk->k", centres, self._slopes)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the class of each of (N, D) features, all classes taken as equally frequent."""
        scores = self._scaled(features) @ self._slopes + self._offsets
        return self._classes[scores.argmax(axis=1)]

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        return (features.astype(np.float64) - self._mean) / self._scale

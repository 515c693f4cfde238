"""Inner products of sets of features, computed once: every measure of sets comes from them.

Distances, kernels, splits and jackknifes need nothing but inner products. Up to 4,096 pictures in
all they are kept as one matrix (128 MB); of more, strips are computed where they are used, so that
memory grows with the number of pictures and not with its square.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from artgan.errors import InvalidInputError

_KEPT_ROWS = 4096
_STRIP_VALUES = 1 << 22  # 32 MB
# squared distances below this share of the squared lengths are what rounding leaves of 0
_ROUND_OFF = 1e-13

Strip = tuple[slice, np.ndarray]


def check_features(real: np.ndarray, generated: np.ndarray, minimum: int = 2) -> None:
    """Refuse feature sets that cannot be compared.

    Raises:
        InvalidInputError: The shapes are not (N, D) and (M, D), N or M is below the minimum, or a
            value is not finite.
    """
    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1]:
        raise InvalidInputError(
            f"features must have shapes (N, D) and (M, D), got {real.shape} and "
            f"{generated.shape}. Use one extractor for both sets."
        )
    if min(len(real), len(generated)) < minimum:
        raise InvalidInputError(
            f"features must be of at least {minimum} pictures a side, got {len(real)} and "
            f"{len(generated)}. Add works."
        )
    if not (np.isfinite(real).all() and np.isfinite(generated).all()):
        raise InvalidInputError(
            "features must be finite, got NaN or infinity. Look for broken pictures."
        )


@dataclass(frozen=True, eq=False)
class Gram:
    """Named sets of features with their inner products.

    Attributes:
        shifted: (N, D) float64, the features of all sets minus ``mean``. The common shift changes
            no distance, and keeps digits that a large mean would take.
        mean: (D,) mean of all features.
        sets: Rows of ``shifted`` that belong to each set.
        products: (N, N) inner products of ``shifted``; None where there are too many to keep.
    """

    shifted: np.ndarray
    mean: np.ndarray
    sets: Mapping[str, np.ndarray]
    products: np.ndarray | None

    @classmethod
    def of(cls, **sets: np.ndarray) -> "Gram":
        """Join sets of features (N_i, D), each under its name.

        Raises:
            InvalidInputError: The shapes do not fit, a set is empty, a value is not finite.
        """
        first = next(iter(sets.values()))
        for features in sets.values():
            check_features(first, features, minimum=1)
        joined = np.concatenate(list(sets.values())).astype(np.float64)
        mean = joined.mean(axis=0)
        joined -= mean
        ends = np.cumsum([len(features) for features in sets.values()])
        rows = np.split(np.arange(len(joined)), ends[:-1])
        kept = joined @ joined.T if len(joined) <= _KEPT_ROWS else None
        return cls(joined, mean, dict(zip(sets, rows, strict=True)), kept)

    def with_part(self, name: str, whole: str, numbers: np.ndarray) -> "Gram":
        """Name a part of a set: the works of its rows with these numbers."""
        return replace(self, sets={**self.sets, name: self.sets[whole][numbers]})

    @property
    def dimension(self) -> int:
        """D, the length of a feature vector."""
        return self.shifted.shape[1]

    def size(self, name: str) -> int:
        """Return the number of pictures of a set."""
        return len(self.sets[name])

    def spread(self, name: str) -> float:
        """Return the root of the mean squared distance between two pictures of a set."""
        rows = self.shifted[self.sets[name]]
        return float(np.sqrt(2.0 * np.var(rows, axis=0).sum()))

    def centred(self, name: str, reference: str) -> np.ndarray:
        """Return the features of a set minus the mean of another: (n, D)."""
        return self.shifted[self.sets[name]] - self.shifted[self.sets[reference]].mean(axis=0)

    def block(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return inner products of shifted features, by their rows in ``shifted``."""
        if self.products is None:
            return self.shifted[rows] @ self.shifted[columns].T
        return self.products[np.ix_(rows, columns)]

    def strips(self, first: str, second: str) -> Iterator[Strip]:
        """Give inner products of shifted features, some pictures of the first set at a time.

        Yields:
            Which pictures of the first set, and their products (n, M) with all of the second.
        """
        rows, columns = self.sets[first], self.sets[second]
        step = max(1, _STRIP_VALUES // len(columns))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            yield slice(start, start + len(part)), self.block(part, columns)

    def inner(self, first: str, second: str) -> Iterator[Strip]:
        """Give inner products of the features themselves, in strips as `strips` does."""
        along = self.shifted @ self.mean
        to_columns = along[self.sets[second]] + self.mean @ self.mean
        for where, products in self.strips(first, second):
            yield where, products + along[self.sets[first][where], None] + to_columns

    def distances(self, first: str, second: str) -> Iterator[Strip]:
        """Give Euclidean distances, in strips as `strips` does."""
        squares = self._squared_lengths()
        columns = squares[self.sets[second]]
        for where, products in self.strips(first, second):
            sums = squares[self.sets[first][where], None] + columns
            apart = sums - 2.0 * products
            apart[apart < _ROUND_OFF * sums] = 0.0
            yield where, np.sqrt(apart, out=apart)

    def _squared_lengths(self) -> np.ndarray:
        if self.products is not None:
            return np.diagonal(self.products)
        return np.einsum("nd,nd->n", self.shifted, self.shifted)


def itself(where: slice, strip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the places in a strip of a set with itself where a picture meets itself."""
    rows = np.arange(len(strip))
    return rows, rows + where.start

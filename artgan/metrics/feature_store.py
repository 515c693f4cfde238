"""Features that were computed once and are kept in the archive, as Parquet.

A row belongs to the pixels of a picture, to a network by the sha256 of its weights, to a
preprocessing, and to the version of this code; if any of these differs there is no row, and the
features are computed. Nothing says which archive, collection or file a picture came from, so that
equal pictures are computed once whoever asks.

Rows lie in whole objects named after the pictures in them, below one folder for each network,
preprocessing, kind of row and version. Objects are only added, or joined and then removed: a killed
writer loses the pictures in hand, two writers at once compute some twice, and a reader who finds
an object gone or unreadable computes its rows again. A row asked for gets a new date once a month;
rows without one for three months go when objects are joined, and objects that nobody wrote for as
long go with `artgan maintain`. So the store holds what was used lately, and nothing else.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from artgan.catalog.maintain import FEATURES, KEEP_FEATURES_DAYS
from artgan.clock import now
from artgan.errors import MissingAssetError
from artgan.keys import VERSION, digest
from artgan.metrics.features import Extractor, extract
from artgan.metrics.style import style_statistics
from artgan.storage import Entry, Store

RENEWED_AFTER = timedelta(days=30)
"""A row that was last dated longer ago is dated anew when it is asked for."""
_AT_ONCE = 256
_MANY_OBJECTS = 24
_SMALL_BYTES = 4 << 20
_GROUP_ROWS = 1024
_IDENTITY = b"artgan.identity"
_PICTURE, _USED, _VALUES = "picture_sha256", "used_on", "values"


class Row(NamedTuple):
    """What is kept of a picture, and the day from which its time runs."""

    values: np.ndarray
    used_on: date


Rows = dict[str, Row]
Compute = Callable[[list[int]], np.ndarray]


def picture_sha256(picture: np.ndarray) -> str:
    """Return the sha256 of a picture's size and pixels, as it goes into a measurement."""
    head = f"{picture.dtype.str} {picture.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(picture).tobytes()).hexdigest()


@dataclass(frozen=True)
class FeatureStore:
    """What one network with its preprocessing makes of pictures, kept below an archive's root.

    Attributes:
        store: The archive root.
        extractor: Network and preprocessing.
    """

    store: Store
    extractor: Extractor

    def features(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return one feature vector for each picture, (N, D) float64, as `extract` does."""

        def compute(numbers: list[int]) -> np.ndarray:
            return extract(self.extractor, [pictures[n] for n in numbers]).astype(np.float32)

        return self.recall("features", map(picture_sha256, pictures), compute).astype(np.float64)

    def style_statistics(self, pictures: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the statistics of maps, one array (N, 2 C) for each map, as `style_statistics`."""

        def compute(numbers: list[int]) -> np.ndarray:
            scales = style_statistics(self.extractor, [pictures[n] for n in numbers])
            # the length of each map's part leads its rows, to take them apart again
            sizes = np.tile([x.shape[1] for x in scales], (len(numbers), 1))
            return np.concatenate([np.full((len(numbers), 1), len(scales)), sizes, *scales], axis=1)

        rows = self.recall("style-statistics", map(picture_sha256, pictures), compute)
        count = int(rows[0, 0])
        lengths = rows[0, 1 : count + 1].astype(int).tolist()
        return np.split(rows[:, count + 1 :], np.cumsum(lengths)[:-1], axis=1)

    def distances(
        self,
        kind: str,
        pictures: Sequence[np.ndarray],
        partners: Sequence[str],
        compute: Callable[[list[int]], np.ndarray],
    ) -> np.ndarray:
        """Return one number (N,) for each picture with what it is compared to.

        Args:
            kind: Name of the measure.
            pictures: N pictures.
            partners: sha256 of what each is compared to: a picture's, or that of a set.
            compute: Gives the numbers of pictures by their places.
        """
        pairs = zip(map(picture_sha256, pictures), partners, strict=True)
        keys = [digest(*pair) for pair in pairs]
        return self.recall(kind, keys, lambda numbers: compute(numbers)[:, None])[:, 0]

    def recall(self, kind: str, keys: Iterable[str], compute: Compute) -> np.ndarray:
        """Return a row for each key: those kept, and for the others what is computed now.

        Args:
            kind: Kind of row; the rows of a kind have one length.
            keys: sha256 of all that a row depends on besides network, preprocessing and version.
            compute: Gives the rows (n, D) of keys by their places; called with at most 256.

        Returns:
            (N, D) in the kind of number that ``compute`` gives.
        """
        keys, today = list(keys), now().date()
        folder = self.folder(kind)
        known = self._read(folder, kind, set(keys))
        due = {
            key: Row(row.values, today)
            for key, row in known.items()
            if row.used_on < today - RENEWED_AFTER
        }
        first = {key: place for place, key in reversed(list(enumerate(keys)))}
        missing = sorted(place for key, place in first.items() if key not in known)
        for start in range(0, len(missing), _AT_ONCE):
            places = missing[start : start + _AT_ONCE]
            rows = (Row(values, today) for values in compute(places))
            made = dict(zip((keys[n] for n in places), rows, strict=True))
            self._write(folder, kind, made)
            known |= made
        if due:
            self._write(folder, kind, due)
        if missing or due:
            self._join(folder, kind, today - timedelta(days=KEEP_FEATURES_DAYS))
        return np.stack([known[key].values for key in keys])

    def folder(self, kind: str) -> str:
        """Return where rows of a kind lie."""
        one = self.extractor
        name = f"{one.name}-{one.weights_sha256[:8]}-{one.preprocessing}"
        return f"{FEATURES}/{name}/{kind}-{VERSION}"

    def _identity(self, kind: str) -> bytes:
        """The whole of what the folder's name abbreviates; each object carries it."""
        one = self.extractor
        return digest(one.name, one.weights_sha256, one.preprocessing, kind, VERSION).encode()

    def _read(self, folder: str, kind: str, wanted: set[str]) -> Rows:
        """Return the rows that are kept, each with the last of its dates."""
        found: Rows = {}
        for entry in self.store.entries(folder):
            _take(found, self._rows_of(entry, kind, wanted))
        return found

    def _rows_of(self, entry: Entry, kind: str, wanted: set[str] | None = None) -> Rows:
        """Return an object's rows; none if it is gone, unreadable or of another identity."""
        with (
            suppress(MissingAssetError, pa.ArrowException, OSError),
            self.store.local(entry.key) as path,
            pq.ParquetFile(path) as file,
        ):
            if (file.schema_arrow.metadata or {}).get(_IDENTITY) == self._identity(kind):
                return _chosen_rows(file, wanted)
        return {}

    def _write(self, folder: str, kind: str, rows: Rows) -> str:
        """Write rows as one object, named after their pictures and dates; return its key."""
        keys = sorted(rows)
        days = [rows[key].used_on for key in keys]
        values = np.stack([rows[key].values for key in keys])
        flat = pa.array(values.ravel())
        columns = {
            _PICTURE: pa.array(keys, pa.string()),
            _USED: pa.array(days, pa.date32()),
            _VALUES: pa.FixedSizeListArray.from_arrays(flat, values.shape[1]),
        }
        identity = self._identity(kind)
        table = pa.table(columns).replace_schema_metadata({_IDENTITY: identity})
        content = io.BytesIO()
        pq.write_table(table, content, compression="zstd", row_group_size=_GROUP_ROWS)
        key = f"{folder}/{digest(identity.decode(), keys, days)[:32]}.parquet"
        self.store.write(key, content.getvalue())
        return key

    def _join(self, folder: str, kind: str, kept_since: date) -> None:
        """Make one object of many small ones; those it is made of go once it is there."""
        small = [one for one in self.store.entries(folder) if one.size < _SMALL_BYTES]
        if len(small) < _MANY_OBJECTS:
            return
        rows: Rows = {}
        for entry in small:
            _take(rows, self._rows_of(entry, kind))
        rows = {key: row for key, row in rows.items() if row.used_on >= kept_since}
        joined = self._write(folder, kind, rows) if rows else ""
        for entry in small:
            if entry.key != joined:
                self.store.delete(entry.key)


def _take(rows: Rows, more: Rows) -> None:
    """Add rows; of two of one picture the one with the later date stays."""
    for key, row in more.items():
        if key not in rows or rows[key].used_on < row.used_on:
            rows[key] = row


def _chosen_rows(file: pq.ParquetFile, wanted: set[str] | None) -> Rows:
    """Return the rows of the wanted pictures, all if none are named; other groups are not read."""
    rows: Rows = {}
    for group in range(file.num_row_groups):
        keys = file.read_row_group(group, [_PICTURE])[_PICTURE].to_pylist()
        places = [n for n, key in enumerate(keys) if wanted is None or key in wanted]
        if places:
            table = file.read_row_group(group, [_USED, _VALUES])
            days = table[_USED].to_pylist()
            values = table[_VALUES].combine_chunks().flatten().to_numpy().reshape(len(keys), -1)
            rows |= {keys[n]: Row(values[n], days[n]) for n in places}
    return rows

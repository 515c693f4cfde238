"""What the measurements of all products share: identity, rows, samples, small pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from artgan.catalog.schema import METRICS
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work
from artgan.imaging.write import png_bytes
from artgan.keys import VERSION, key, set_digest
from artgan.metrics.features import Extractor
from artgan.metrics.table import find_metric, sample_note
from artgan.report.figures import MEASURED, FigureImage, FigureSet, Product, figure_key
from artgan.storage import Store

Row = dict[str, Any]

FEW_PAIRED = 30
"""Below this many works a paired measure says little without its interval."""


@dataclass(frozen=True)
class Number:
    """A measured value with its 95 % interval, where there is one."""

    value: float
    ci_low: float | None = None
    ci_high: float | None = None
    ci_method: str | None = None


@dataclass(frozen=True)
class Sample:
    """What a number was measured on.

    Attributes:
        reference: Real works measured against.
        split: Split they come from.
        n_measured: Pictures measured.
        n_matched: Size at which both sides are compared, if they are matched.
    """

    reference: Sequence[Work]
    split: str
    n_measured: int
    n_matched: int | None = None


@dataclass(frozen=True)
class Measurement:
    """One measurement of a product of a collection: makes rows with keys derived from content.

    Attributes:
        product: Product measured.
        collection: Collection measured.
        model_id: Model measured, if any.
        identity: Key of all that decides the numbers.
        extractor: Feature network, where one is used.
    """

    product: Product
    collection: str
    model_id: str | None
    identity: str
    extractor: Extractor | None = None

    @property
    def mark(self) -> str:
        """Key under which a finished measurement is remembered."""
        return f"{MEASURED}/{self.collection}/{self.product}-{self.identity}"

    def row(
        self,
        subject: str,
        metric: str,
        number: Number,
        sample: Sample,
        extractor: Extractor | None = None,
        stratum: str | None = None,
    ) -> Row:
        """Return one row of the metrics table.

        Args:
            subject: What is measured.
            metric: Name of the measure, one of `artgan.metrics.table.METRICS`.
            number: What was found.
            sample: What it was found on.
            extractor: Feature network, where it is not the measurement's own.
            stratum: Part of the sample, where it is not the whole of it.
        """
        status, note = _trust(self.product, sample)
        network = extractor or self.extractor
        # a second network's number is a row of its own; the key of the first stays as it was
        other = [] if extractor is None else [extractor.weights_sha256]
        other += [] if stratum is None else [stratum]
        known = find_metric(metric)
        assert known is not None, metric
        row = {
            "metric_id": key(self.identity, subject, metric, sample.split, *other),
            "collection": self.collection,
            "product": self.product,
            "subject": subject,
            "model_id": self.model_id,
            "metric": metric,
            "stratum": stratum,
            "value": number.value,
            "ci_low": number.ci_low,
            "ci_high": number.ci_high,
            "ci_method": number.ci_method,
            "unit": known.unit,
            "n_reference": len(sample.reference),
            "n_measured": sample.n_measured,
            "n_matched": sample.n_matched,
            "reference_split": sample.split,
            "reference_sha256": set_digest(work["scan_id"] for work in sample.reference),
            "status": status,
            "note": note,
            "is_fid": False,
        }
        if network is not None:
            row |= {
                "extractor": network.label,
                "extractor_sha256": network.weights_sha256,
                "preprocessing": network.preprocessing,
                "is_fid": network.is_fid,
            }
        return row


def _trust(product: Product, sample: Sample) -> tuple[str, str]:
    """Return status and words on the sample: by set sizes, or by works for paired measures."""
    sides = (len(sample.reference), sample.n_measured, sample.n_matched)
    smaller = min(side for side in sides if side is not None)
    if product in {"simulation", "stylization"}:
        return sample_note(smaller)
    if smaller < FEW_PAIRED:
        return "small_n", f"Few works (n = {smaller}): read the interval."
    return "ok", ""


def measurement(
    product: Product,
    collection: str,
    model_id: str | None,
    reference: Sequence[Work],
    parts: Mapping[str, Any],
    extractor: Extractor | None = None,
) -> Measurement:
    """Give a measurement its identity."""
    network = None if extractor is None else (extractor.weights_sha256, extractor.preprocessing)
    works = set_digest(work["scan_id"] for work in reference)
    identity = key(VERSION, product, collection, model_id, works, dict(parts), network)
    return Measurement(product, collection, model_id, identity, extractor)


def is_measured(catalog: Catalog, one: Measurement) -> bool:
    """Whether the measurement's rows and figures are there already."""
    return catalog.store.exists(one.mark)


def record(catalog: Catalog, one: Measurement, rows: Sequence[Row], stamp: Row) -> int:
    """Write a measurement's rows in one commit, then remember that it is finished."""
    added = catalog.append(METRICS, [row | stamp for row in rows])
    catalog.store.write(one.mark, b"")
    return added


def mean_over_works(values: Sequence[float] | np.ndarray, works: Sequence[int]) -> Number:
    """Average values of crops, with a Student interval over distinct works.

    Crops of one work are not independent, so each work counts once.

    Args:
        values: One value for each crop.
        works: Number of the work that each crop comes from.
    """
    numbers = np.asarray(works)
    means = np.array([np.mean(np.asarray(values)[numbers == one]) for one in np.unique(numbers)])
    if len(means) < 2:
        return Number(float(means.mean()))
    half = float(stdtrit(len(means) - 1, 0.975) * means.std(ddof=1) / np.sqrt(len(means)))
    centre = float(means.mean())
    return Number(centre, centre - half, centre + half, "student_over_works")


def centre_square(picture: np.ndarray) -> np.ndarray:
    """Cut the centre square of a picture (H, W, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = round((height - side) / 2), round((width - side) / 2)
    return picture[top : top + side, left : left + side]


def write_image(store: Store, path: str, picture: np.ndarray, label: str, alt: str) -> FigureImage:
    """Write a small picture of a figure as PNG and describe it."""
    store.write(path, png_bytes(np.ascontiguousarray(picture)))
    return FigureImage(label, path, picture.shape[1], picture.shape[0], alt)


def write_figure(store: Store, figure: FigureSet, name: str) -> None:
    """Write a figure's manifest."""
    store.write(figure_key(figure.collection, figure.product, name), figure.to_json())


def title_of(work: Work) -> str:
    """Return what to call a work: title, else accession number, else file name."""
    return work["title"] or work["accession_number"] or work["source_path"].rsplit("/", 1)[-1]

"""Whether the works that a model learned from can be told: by its samples, answers, discriminator.

Works that were held out by a hash, for validation and for test, stand against those of the
training. Painters are left out: `fast` and `adain` keep Gram matrices of VGG-19 and have no
discriminator, and `multi` is asked for other collections than a work's own only.
"""

from collections.abc import Callable
from functools import partial

from artgan.catalog.models import Model, in_use_or_base, training_scans
from artgan.catalog.table import Catalog
from artgan.catalog.works import works
from artgan.config import ReportSettings
from artgan.metrics.features import load_vgg_extractor, random_extractor
from artgan.metrics.membership import FEWEST_A_SIDE, Leak, membership
from artgan.presets import Kind
from artgan.report.measured import (
    Measurement,
    Number,
    Row,
    Sample,
    is_measured,
    measurement,
    record,
)
from artgan.report.membership_scores import (
    CROPS,
    Scores,
    Suspects,
    restoration_scores,
    simulation_scores,
    style_scores,
)
from artgan.report.privacy import ATTACKED
from artgan.report.sample_attack import SAMPLES, SEED, SIDE_PX


def measure_privacy(catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row) -> int:
    """Attack each generative model in use for a collection; return how many rows are new."""
    added = 0
    for kind in ATTACKED:
        model = in_use_or_base(catalog, kind, collection)
        suspects = None if model is None else find_suspects(catalog, model, collection)
        if model is not None and suspects is not None:
            attack = _attack(kind, catalog, model, suspects, settings, collection)
            added += _measured(catalog, collection, model, suspects, attack, stamp)
    return added


def find_suspects(catalog: Catalog, model: Model, collection: str) -> Suspects | None:
    """Return the works to tell apart; None where there are too few, or nothing says which.

    A work that came after the training belongs to neither side, whatever split it is in.
    """
    learned = training_scans(catalog, model)
    members = [one for one in works(catalog, collection) if one["scan_id"] in learned]
    others = [one for split in ("val", "test") for one in works(catalog, collection, split)]
    others = [one for one in others if one["scan_id"] not in learned]
    if min(len(members), len(others)) < FEWEST_A_SIDE:
        return None
    return Suspects(members, others)


def _attack(
    kind: Kind,
    catalog: Catalog,
    model: Model,
    suspects: Suspects,
    settings: ReportSettings,
    collection: str,
) -> Callable[[], dict[str, Scores]]:
    if kind == "simulation":
        extractor = load_vgg_extractor(settings.weights, SIDE_PX) or random_extractor(
            size_px=SIDE_PX
        )
        return partial(simulation_scores, catalog, model, suspects, extractor, collection)
    if kind == "restoration":
        return partial(restoration_scores, catalog, model, suspects)
    name = "cyclegan" if kind == "cyclegan" else "translator"
    return partial(style_scores, catalog, model, suspects, name)


def _measured(
    catalog: Catalog,
    collection: str,
    model: Model,
    suspects: Suspects,
    attack: Callable[[], dict[str, Scores]],
    stamp: Row,
) -> int:
    one = measurement(
        *("privacy", collection, model["model_id"], [*suspects.members, *suspects.others]),
        {"samples": SAMPLES, "crops": CROPS, "seed": SEED, "members": len(suspects.members)},
    )
    if is_measured(catalog, one):
        return 0
    rows = [
        row
        for subject, scores in attack().items()
        for row in _rows(one, subject, membership(*scores), suspects)
    ]
    return record(catalog, one, rows, stamp)


def _rows(one: Measurement, subject: str, leak: Leak, suspects: Suspects) -> list[Row]:
    sample = Sample(suspects.others, "val and test", leak.n_members)
    numbers = {
        "membership_auc": Number(leak.auc, *leak.auc_interval, "newcombe_2006"),
        "membership_advantage": Number(leak.advantage, *leak.advantage_interval, "newcombe_1998"),
        "membership_tpr": Number(leak.tpr, *leak.tpr_interval, "clopper_pearson"),
    }
    return [one.row(subject, metric, number, sample) for metric, number in numbers.items()]

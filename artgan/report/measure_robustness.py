"""What pictures that were changed on purpose do to the networks that judge pictures.

Three networks judge: the detector proposes where a scan is damaged, the archive's own network
tells collections apart, and the discriminator tells real works from simulated ones.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from artgan.catalog.models import Model, folder, in_use_or_base
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.config import ReportSettings
from artgan.degrade.blind import blind_crops
from artgan.metrics.attacks import CODES, RESTARTS, STEPS
from artgan.metrics.intervals import area_interval, wilson
from artgan.models.checkpoint import load_network
from artgan.models.detector import load_detector
from artgan.models.simulators import load_simulator, make_discriminator, sample
from artgan.report.archive_network import Card, load_card, newest_card
from artgan.report.attacked import SEED, attack_classifier, attack_detector, attack_discriminator
from artgan.report.measured import (
    Measurement,
    Number,
    Row,
    Sample,
    is_measured,
    measurement,
    record,
)
from artgan.training.archive_network import LOADED_PX
from artgan.training.preparation import load_states
from artgan.training.squares import scale_work, square

CROPS = 12
CROP_PX = 64
MOST_WORKS = 48
"""Works that are attacked at most: an attack costs 120 times as much as a look."""
_FEWEST_WORKS = 4


def measure_robustness(
    catalog: Catalog, collection: str, settings: ReportSettings, stamp: Row
) -> int:
    """Attack what judges a collection's pictures, on test works; return how many rows are new."""
    held_out = works(catalog, collection, "test")[:MOST_WORKS]
    if len(held_out) < _FEWEST_WORKS:
        return 0
    added = 0
    detector = in_use_or_base(catalog, "detection", collection)
    if detector is not None:
        added += _detector(catalog, collection, detector, held_out, stamp)
    for codes in sorted({0, settings.hardened_codes}):
        card = newest_card(catalog, codes)
        if card is not None and card.is_used:
            added += _classifier(catalog, collection, card, held_out, stamp)
    simulation = in_use_or_base(catalog, "simulation", collection)
    if simulation is not None:
        added += _discriminator(catalog, collection, simulation, held_out, stamp)
    return added


def _start(
    collection: str, model_id: str | None, held_out: Sequence[Work], parts: Mapping[str, Any]
) -> Measurement:
    fixed = {"seed": SEED, "codes": CODES, "steps": STEPS, "restarts": RESTARTS}
    return measurement("robustness", collection, model_id, held_out, {**fixed, **parts})


def _row(
    one: Measurement, subject: str, metric: str, way: str, found: tuple[Number, Sample]
) -> Row:
    return one.row(subject, metric, *found, stratum=f"attack: {way}")


def _detector(
    catalog: Catalog, collection: str, model: Model, held_out: Sequence[Work], stamp: Row
) -> int:
    one = _start(collection, model["model_id"], held_out, {"crops": CROPS, "crop_px": CROP_PX})
    if is_measured(catalog, one):
        return 0
    preset = json.loads(model["settings_json"])["preset"]
    paths = [work["access_path"] for work in held_out]
    pictures = load_pictures(catalog.store, paths, preset["short_side_px"])
    crops = blind_crops(pictures, CROP_PX, CROPS, SEED, preset["classes"])
    detector = load_detector(catalog.store.read(model["weights_path"]))
    detector.requires_grad_(requires_grad=False)
    shown = sorted({crop.picture for crop in crops})
    sample = Sample([held_out[number] for number in shown], "test", len(crops))
    rows = [
        _row(one, "detector", "attacked_f1", way, (Number(value), sample))
        for way, value in attack_detector(detector, crops).items()
    ]
    return record(catalog, one, rows, stamp)


def _classifier(
    catalog: Catalog, collection: str, card: Card, held_out: Sequence[Work], stamp: Row
) -> int:
    known = [work for work in held_out if work[card.field] in card.labels]
    one = _start(collection, None, known, {"network": card.network_id})
    if len(known) < _FEWEST_WORKS or is_measured(catalog, one):
        return 0
    extractor = load_card(catalog, card)
    labels = [card.labels.index(work[card.field]) for work in known]
    pictures = load_pictures(catalog.store, [work["access_path"] for work in known], LOADED_PX)
    sample = Sample(known, "test", len(known))
    subject = "classifier_hardened" if card.codes else "classifier"
    rows = []
    for way, right in attack_classifier(extractor, pictures, labels).items():
        number = Number(right, *wilson(right, len(known)), "wilson")
        rows.append(_row(one, subject, "attacked_accuracy", way, (number, sample)))
    return record(catalog, one, rows, stamp)


def _discriminator(
    catalog: Catalog, collection: str, model: Model, held_out: Sequence[Work], stamp: Row
) -> int:
    one = _start(collection, model["model_id"], held_out, {"side": "discriminator"})
    state = load_states(catalog.store, folder(model)).get("discriminator")
    if state is None or is_measured(catalog, one):
        return 0
    simulator = load_simulator(catalog.store.read(model["weights_path"]))
    preset, label = simulator.preset, simulator.label_of(collection)
    discriminator = make_discriminator(preset)
    load_network(discriminator, state)
    discriminator.eval().requires_grad_(requires_grad=False)
    paths = [work["access_path"] for work in held_out]
    pictures = load_pictures(catalog.store, paths, preset.size_px)
    real = torch.stack([square(scale_work(picture, preset.size_px), 0.5) for picture in pictures])
    made = sample(simulator.generator, range(SEED, SEED + len(real)), label=label)
    rows = []
    for way, area in attack_discriminator(discriminator, real, made, label).items():
        number = Number(area, *area_interval(area, len(real), len(made)), "newcombe_2006")
        found = number, Sample(held_out, "test", len(made))
        rows.append(_row(one, "discriminator", "attacked_auc", way, found))
    return record(catalog, one, rows, stamp)

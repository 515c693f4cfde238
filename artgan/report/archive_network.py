"""The archive's own feature network: when it is trained, where it lies, whether it is used.

It lies under ``models/archive/features/<id>/``, the id being a hash of the works and labels that
it was trained on. Its numbers compare with those of no other training, so one network stays in
use until the labels change or the training works became a quarter more or fewer. A network that
was hardened against changes on purpose lies beside the plain one, and is used if asked for.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures, works
from artgan.clock import now
from artgan.keys import VERSION, key
from artgan.metrics.archive_network import archive_extractor
from artgan.metrics.features import Extractor
from artgan.training.archive_network import (
    HARDENED_STEPS,
    LOADED_PX,
    STEPS,
    Labelled,
    train_archive_network,
)

FOLDER = "models/archive/features"
FEWEST_WORKS = 20
"""Fewest training works of a label."""
MOST_WORKS = 200
"""Most training works of a label; the first by scan_id, which is a hash and so no choice."""
_CHANGE = 0.25

LabelField = Literal["collection", "artist"]


@dataclass(frozen=True)
class Card:
    """What is known of a trained network; written beside its weights when these are there.

    Attributes:
        network_id: Hash of works, labels and code version.
        field: Column of the scans table that the labels come from.
        labels: The labels.
        n_train: Works it was trained on.
        n_held_out: Works of the validation split that it was measured on.
        accuracy: Share of these whose label it tells.
        guess: Share that always naming the most frequent label tells.
        trained_at: When, in UTC.
        codes: Bound that it was hardened within, in codes of 255; 0 is a plain network.
    """

    network_id: str
    field: LabelField
    labels: list[str]
    n_train: int
    n_held_out: int
    accuracy: float
    guess: float
    trained_at: str
    codes: int = 0

    @property
    def is_used(self) -> bool:
        """Whether it learned anything: a network that only guesses measures nothing."""
        return self.accuracy > self.guess


def find_archive_extractor(catalog: Catalog, codes: int = 0) -> Extractor | None:
    """Return the archive's own network as an extractor; None if none is worth using.

    Args:
        catalog: The archive.
        codes: Bound that it was hardened within; 0 is the plain one.
    """
    card = newest_card(catalog, codes)
    return None if card is None or not card.is_used else load_card(catalog, card)


def load_card(catalog: Catalog, card: Card) -> Extractor:
    """Return the network of a card as an extractor."""
    return archive_extractor(catalog.store.read(f"{FOLDER}/{card.network_id}/weights.safetensors"))


def refresh_archive_network(catalog: Catalog, codes: int = 0) -> str:
    """Train the archive's own network if there is none or its works changed; say what was done.

    Args:
        catalog: The archive.
        codes: Bound to harden it within, in codes of 255; 0 trains the plain one.
    """
    chosen = _chosen(catalog)
    if chosen is None:
        return f"no FD-archive: fewer than two collections or artists of {FEWEST_WORKS} works"
    label_field, labels, rows = chosen
    name = f"FD-archive hardened within {codes} of 255 codes" if codes else "FD-archive"
    card = newest_card(catalog, codes)
    if card is not None and _still_fits(card, label_field, labels, len(rows)):
        return f"{name} as trained on {card.n_train} works"
    held_out = [row for row in works(catalog, None, "val") if row[label_field] in labels]
    if not held_out:
        return "no FD-archive: no work of the validation split has one of the labels"
    trained = train_archive_network(
        _labelled(catalog, rows, label_field, labels),
        _labelled(catalog, held_out, label_field, labels),
        labels,
        steps=HARDENED_STEPS if codes else STEPS,
        codes=codes,
    )
    hardened = [codes] if codes else []
    scan_ids = sorted(row["scan_id"] for row in rows)
    network_id = key(VERSION, label_field, labels, scan_ids, *hardened)
    card = Card(
        network_id,
        label_field,
        labels,
        len(rows),
        len(held_out),
        trained.accuracy,
        trained.guess,
        now().isoformat(),
        codes,
    )
    folder = f"{FOLDER}/{network_id}"
    catalog.store.write(f"{folder}/weights.safetensors", trained.content)
    catalog.store.write(f"{folder}/model.json", json.dumps(asdict(card), indent=1).encode())
    return (
        f"{name} trained on {card.n_train} works of {len(labels)} labels; it tells "
        f"{card.accuracy:.0%} of {card.n_held_out} held-out works, guessing {card.guess:.0%}"
    )


def newest_card(catalog: Catalog, codes: int) -> Card | None:
    """Return the newest network that was hardened within a bound, or the newest plain one for 0."""
    cards = [
        Card(**json.loads(catalog.store.read(entry.key)))
        for entry in catalog.store.entries(FOLDER)
        if entry.key.endswith("/model.json")
    ]
    cards = [card for card in cards if card.codes == codes]
    return max(cards, key=lambda card: card.trained_at, default=None)


def _still_fits(card: Card, field: LabelField, labels: list[str], n_train: int) -> bool:
    change = abs(n_train - card.n_train) / card.n_train
    return (card.field, card.labels) == (field, labels) and change < _CHANGE


def _chosen(catalog: Catalog) -> tuple[LabelField, list[str], list[Work]] | None:
    """Choose what tells works apart: collections, in an archive of one of them artists."""
    rows = works(catalog, None, "train")
    fields: tuple[LabelField, ...] = ("collection", "artist")
    for field in fields:
        counts = Counter(row[field] for row in rows if row[field])
        labels = sorted(name for name, count in counts.items() if count >= FEWEST_WORKS)
        if len(labels) > 1:
            taken = [
                row
                for label in labels
                for row in [row for row in rows if row[field] == label][:MOST_WORKS]
            ]
            return field, labels, taken
    return None


def _labelled(
    catalog: Catalog, rows: Sequence[Work], field: LabelField, labels: list[str]
) -> Labelled:
    paths = [row["access_path"] for row in rows]
    pictures = load_pictures(catalog.store, paths, LOADED_PX)
    return Labelled(pictures, [labels.index(row[field]) for row in rows])

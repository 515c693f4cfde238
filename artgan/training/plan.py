"""What is to be trained: the job of one model, and whether its data changed enough."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, field, replace

from artgan.catalog.models import BASE, Model, confidential
from artgan.keys import VERSION, key, set_digest
from artgan.presets import (
    PRESETS,
    DetectionPreset,
    Kind,
    KindPreset,
    MultiPreset,
    PresetName,
    SimulationPreset,
    architecture,
)

_FEWEST_HELD_OUT = 3
OF_TWO_SIDES: tuple[Kind, ...] = ("style", "fast", "cyclegan")
"""Kinds that learn from other collections' works as well."""
TAUGHT: tuple[Kind, ...] = ("fast", "adain")
"""Kinds that learn from VGG-19, and cannot without its weights."""


@dataclass(frozen=True)
class Works:
    """Works that take part in a training: scan_id, access copy, collection, in the same order."""

    scan_ids: tuple[str, ...] = ()
    access_paths: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scan_ids)

    def first(self, count: int | None) -> "Works":
        """Return the first so many; in the order of scan_id, which is a hash, a fair choice."""
        return Works(*(part[:count] for part in astuple(self)))


@dataclass(frozen=True)
class TrainJob:
    """One training, complete: a child process needs nothing else.

    Attributes:
        kind: Kind of model.
        collection: Collection, or BASE.
        preset: Name of size and length.
        steps: Optimisation steps.
        seed: Seed of all randomness.
        train: Works to learn from.
        val: Held-out works that decide on promotion.
        content_train: For style, cyclegan and fast: works of other collections to translate from.
        content_val: For style, cyclegan and fast: held-out works of other collections.
        base_model: Folder key of the model that training starts from, if any.
        incumbent: Folder key of the model in use that this one would replace, if any.
        weights: Where the feature networks lie; see `artgan.weights`.
        simulation: For simulation: what was chosen in place of the preset's sizes, if anything.
        hardened_codes: For detection: bound of changes that it learns to bear, in codes of 255.
    """

    kind: Kind
    collection: str
    preset: PresetName
    steps: int
    seed: int
    train: Works
    val: Works
    content_train: Works = field(default_factory=Works)
    content_val: Works = field(default_factory=Works)
    base_model: str | None = None
    incumbent: str | None = None
    weights: str | None = None
    simulation: SimulationPreset | None = None
    hardened_codes: int = 0

    @property
    def sizes(self) -> KindPreset:
        """Sizes and rates of the model, and for multi the collections that it learns."""
        sizes = sizes_of(self.kind, self.preset, self.simulation)
        if isinstance(sizes, DetectionPreset):
            return replace(sizes, hardened_codes=self.hardened_codes)
        return replace(sizes, classes=self.classes) if isinstance(sizes, MultiPreset) else sizes

    @property
    def classes(self) -> tuple[str, ...]:
        """Collections with enough works to learn from and to be measured on, by name."""
        counts = [Counter(works.collections) for works in (self.train, self.val)]
        names = sorted(counts[0].keys() & counts[1].keys())
        return tuple(n for n in names if min(count[n] for count in counts) >= _FEWEST_HELD_OUT)

    @property
    def model_id(self) -> str:
        """Key of the model: a hash of data, settings, base and code version."""
        return key(
            VERSION,
            self.kind,
            self.collection,
            asdict(self.sizes),
            self.steps,
            self.seed,
            [sorted(one.scan_ids) for one in (self.train, self.val)],
            [sorted(one.scan_ids) for one in (self.content_train, self.content_val)],
            self.base_model,
        )

    @property
    def folder(self) -> str:
        """Key prefix under which the model's files lie."""
        return f"models/{self.collection}/{self.kind}/{self.model_id}"

    @property
    def confidential(self) -> str:
        """Key prefix of its state while it trains, and of its discriminator afterwards."""
        return confidential(self.folder)

    @property
    def training_sha256(self) -> str:
        """Hash of the set of training works."""
        return set_digest(self.train.scan_ids)


def can_be_judged(job: TrainJob) -> bool:
    """Whether enough works are held out to decide on promotion: three, as KID needs."""
    if job.kind == "multi":
        return len(job.classes) >= 2
    held_out = [job.val, job.content_val] if job.kind in OF_TWO_SIDES else [job.val]
    return all(len(works) >= _FEWEST_HELD_OUT for works in held_out)


def sizes_of(
    kind: Kind, preset: PresetName, simulation: SimulationPreset | None = None
) -> KindPreset:
    """Return sizes and rates of a kind at a preset, or what was chosen for simulation instead."""
    if kind == "simulation" and simulation is not None:
        return simulation
    return getattr(PRESETS[preset], kind)


def steps_of(
    kind: Kind, preset: PresetName, collection: str, simulation: SimulationPreset | None = None
) -> int:
    """Return the length of a training, in steps."""
    sizes = sizes_of(kind, preset, simulation)
    return sizes.base_steps if collection == BASE else sizes.collection_steps


def fitting(
    model: Model | None,
    kind: Kind,
    preset: PresetName,
    simulation: SimulationPreset | None = None,
) -> Model | None:
    """Return a model if a training at a preset can start from it: its networks have that size."""
    if model is None:
        return None
    wanted = architecture(kind, asdict(sizes_of(kind, preset, simulation)))
    there = architecture(kind, json.loads(model["settings_json"])["preset"])
    return model if there == wanted else None


def made_alike(model: Model, job: TrainJob) -> bool:
    """Whether a model came of the same choice of networks and loss; its data may differ."""
    there = json.loads(model["settings_json"] or "{}").get("preset", {})
    if job.kind == "detection":
        return there.get("hardened_codes", 0) == job.hardened_codes
    if job.kind != "simulation":
        return True
    before = {"loss": "relativistic", "frozen": 0, "privacy_noise": 0.0}
    there = before | there
    wanted = asdict(job.sizes)
    alike = architecture(job.kind, there) == architecture(job.kind, wanted)
    return alike and all(there[name] == wanted[name] for name in before)


def most_works(kind: Kind, preset: PresetName) -> int | None:
    """Return how many works a training takes at most; None means all."""
    sizes = getattr(PRESETS[preset], kind)
    return sizes.most_works if isinstance(sizes, DetectionPreset) else None


def job_to_json(job: TrainJob) -> str:
    """Write a job as text for a child process."""
    return json.dumps(asdict(job))


def job_from_json(text: str) -> TrainJob:
    """Read a job that `job_to_json` wrote."""
    values = json.loads(text)
    for name in ("train", "val", "content_train", "content_val"):
        part = values[name]
        values[name] = Works(**{field: tuple(column) for field, column in part.items()})
    if values["simulation"] is not None:
        values["simulation"]["classes"] = tuple(values["simulation"]["classes"])
        values["simulation"] = SimulationPreset(**values["simulation"])
    return TrainJob(**values)


@dataclass(frozen=True)
class Decision:
    """Whether to train, and the reason in words."""

    train: bool
    reason: str


def decide(
    before: Iterable[str] | None,
    present: Sequence[str],
    changed_fraction: float,
    changed_works: int | None,
    withdrawn: int = 0,
) -> Decision:
    """Decide whether training works changed enough since the last training.

    Args:
        before: scan_ids of the last training with the same settings; None if there was none.
        present: scan_ids now.
        changed_fraction: Train when this fraction of the works before changed.
        changed_works: Train when this many works changed; None leaves only the fraction.
        withdrawn: Withdrawn works that the last training learned from: one is enough to train.
    """
    if before is None:
        return Decision(train=True, reason="no model with these settings yet")
    if withdrawn:
        return Decision(train=True, reason=f"{withdrawn} works that it learned from are withdrawn")
    old = set(before)
    changed = len(old ^ set(present))
    if changed == 0:
        return Decision(train=False, reason="training works unchanged")
    enough = changed >= changed_fraction * len(old)
    if changed_works is not None:
        enough = enough or changed >= changed_works
    words = f"{changed} of {len(old)} training works changed"
    return Decision(enough, words if enough else f"{words}, too few to train again")

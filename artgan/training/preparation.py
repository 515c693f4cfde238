"""What a training needs from the archive, and the trainee that is built from it."""

from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from artgan.catalog.models import BASE, WEIGHTS, confidential
from artgan.catalog.works import load_pictures
from artgan.metrics.features import Extractor, extract, random_extractor, vgg_extractor
from artgan.metrics.vgg import load_vgg
from artgan.models.checkpoint import unpack_weights
from artgan.presets import (
    AdainPreset,
    CycleganPreset,
    DenoisePreset,
    DetectionPreset,
    FastPreset,
    KindPreset,
    MultiPreset,
    RestorationPreset,
    SimulationPreset,
    StylePreset,
    TonePreset,
    UpscalePreset,
)
from artgan.storage import Store
from artgan.stylize.losses import find_vgg
from artgan.training import (
    cycle,
    detection,
    finish,
    multi,
    painting,
    restoration,
    simulation,
    style,
    tone,
)
from artgan.training.archive_network import Labelled
from artgan.training.loop import Trainee
from artgan.training.plan import TrainJob, Works
from artgan.training.sides import Sides
from artgan.weights import VGG19_CONV3_4, find_weights, weights_sha256

WARM = "training.safetensors"
_SMALL_PX = 32

States = dict[str, dict[str, Tensor]]


class Preparation:
    """Loads what a training needs, once, and builds trainees from it."""

    def __init__(self, store: Store, job: TrainJob, preset: KindPreset) -> None:
        self.store, self.job, self.preset = store, job, preset
        self.train, self.val = self._pictures(job.train), self._pictures(job.val)
        self.content_train = self._pictures(job.content_train)
        self.content_val = self._pictures(job.content_val)

    def _pictures(self, works: Works) -> list[np.ndarray]:
        preset = self.preset
        side = preset.size_px if isinstance(preset, SimulationPreset) else preset.short_side_px
        return load_pictures(self.store, works.access_paths, side)

    @property
    def sides(self) -> Sides:
        """The collection's works and those of others."""
        return Sides(self.train, self.val, self.content_train, self.content_val)

    def _labelled(self, works: Works, pictures: list[np.ndarray]) -> Labelled:
        """Return works of the collections that the preset names, with their labels."""
        assert isinstance(self.preset, MultiPreset)
        names = self.preset.classes
        chosen = [at for at, name in enumerate(works.collections) if name in names]
        return Labelled(
            [pictures[at] for at in chosen], [names.index(works.collections[at]) for at in chosen]
        )

    def features(self, side_px: int) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        """Return the network that judges during training: small enough to be asked often."""
        vgg = find_weights(VGG19_CONV3_4, self.job.weights)
        if vgg is None:
            extractor = random_extractor(size_px=side_px)
        else:
            extractor = vgg_extractor(load_vgg(vgg), weights_sha256(vgg), side_px)
        return lambda pictures: extract(extractor, pictures)

    def teacher(self) -> Extractor:
        """Return VGG-19, which painters learn from; there is no stand-in for it."""
        path = find_vgg(self.job.weights, f"training {self.job.kind}")
        return vgg_extractor(load_vgg(path), weights_sha256(path))

    def trainee(self, start: str | None, steps: int) -> Trainee:  # noqa: PLR0911 -- one a kind
        """Build what the loop trains, from a model's folder or from nothing."""
        base = None if start is None else load_states(self.store, start)
        seed = self.job.seed
        match self.preset:
            case RestorationPreset() as preset:
                # A base that starts from the starter has the whole way before it.
                gentle = self.job.collection != BASE
                return restoration.build(
                    self.train, self.val, preset, steps, seed, base, gentle=gentle
                )
            case DetectionPreset() as preset:
                return detection.build(self.train, self.val, preset, steps, seed, base)
            case TonePreset() as preset:
                return tone.build(self.train, self.val, preset, steps, seed, base)
            case DenoisePreset() as preset:
                return finish.build_denoise(self.train, self.val, preset, steps, seed, base)
            case UpscalePreset() as preset:
                return finish.build_upscale(self.train, self.val, preset, steps, seed, base)
            case SimulationPreset() as preset:
                works = (self.train, self.val)
                features = self.features(_SMALL_PX)
                of = self.job.train.collections
                return simulation.build(*works, preset, steps, seed, base, features, collections=of)
            case _:
                return self._stylizer(base, steps)

    def _stylizer(self, base: States | None, steps: int) -> Trainee:
        seed = self.job.seed
        match self.preset:
            case StylePreset() as preset:
                features = self.features(preset.short_side_px)
                return style.build(self.sides, preset, steps, seed, base, features)
            case CycleganPreset() as preset:
                features = self.features(preset.short_side_px)
                return cycle.build(self.sides, preset, steps, seed, base, features)
            case MultiPreset() as preset:
                features = self.features(preset.short_side_px)
                works = self._labelled(self.job.train, self.train)
                held_out = self._labelled(self.job.val, self.val)
                return multi.build(works, held_out, preset, steps, seed, base, features)
            case AdainPreset() as preset:
                works = self.train, self.val
                return painting.build_adain(*works, preset, steps, seed, base, self.teacher())
            case FastPreset() as preset:
                return painting.build_fast(self.sides, preset, steps, seed, base, self.teacher())
        raise AssertionError(self.preset)


def load_states(store: Store, folder: str) -> States:
    """Return all networks of a model, those for fine-tuning included, by name."""
    states, _ = unpack_weights(store.read(f"{folder}/{WEIGHTS}"))
    # Models of earlier versions have it beside their weights.
    places = confidential(folder), folder
    found = (read_if_there(store, f"{place}/{WARM}") for place in places)
    warm = next((one for one in found if one is not None), None)
    return states if warm is None else states | unpack_weights(warm)[0]


def read_if_there(store: Store, path: str) -> bytes | None:
    """Return what lies at a path, or None."""
    return store.read(path) if store.exists(path) else None

"""How attackers score works, with and without what is kept confidential, for each kind of model."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from artgan.catalog.models import Model, folder
from artgan.catalog.table import Catalog
from artgan.catalog.works import Work, load_pictures
from artgan.degrade.evaluation import DamagedCrop, evaluation_crops, hole_psnr_db
from artgan.imaging.tensors import arrays_to_batch, batch_to_arrays
from artgan.metrics.features import Extractor
from artgan.metrics.membership import sample_scores
from artgan.models.checkpoint import load_network
from artgan.models.filler import fill_batch, load_filler
from artgan.models.patchgan import PatchGan, holed_patches
from artgan.models.prefill import push_pull
from artgan.models.simulators import load_simulator, make_discriminator
from artgan.models.translator import StyleDiscriminator, load_translator
from artgan.report.sample_attack import SEED, judgements, samples_of, spaces_of, views_of
from artgan.training.preparation import States, load_states

CROPS = 8
_BATCH = 64

Scores = tuple[np.ndarray, np.ndarray]
"""Of the works that a model learned from, and of those that it did not."""


@dataclass(frozen=True)
class Suspects:
    """Works that are to be told apart.

    Attributes:
        members: Works that the model learned from.
        others: Works of the same collection that it did not.
    """

    members: Sequence[Work]
    others: Sequence[Work]

    def pictures(self, catalog: Catalog, short_side_px: int) -> list[np.ndarray]:
        """Load all of them, members first."""
        paths = [work["access_path"] for work in (*self.members, *self.others)]
        return load_pictures(catalog.store, paths, short_side_px)

    def parted(self, scores: np.ndarray) -> Scores:
        """Part one score for each work, members first."""
        return scores[: len(self.members)], scores[len(self.members) :]


def simulation_scores(
    catalog: Catalog, model: Model, suspects: Suspects, extractor: Extractor, collection: str
) -> dict[str, Scores]:
    """Score by samples alone, and by the discriminator where it is still there."""
    simulator = load_simulator(catalog.store.read(model["weights_path"]))
    preset, label = simulator.preset, simulator.label_of(collection)
    views = views_of(suspects.pictures(catalog, preset.size_px), preset.size_px)
    generated = samples_of(simulator.generator, label)
    spaces = spaces_of(views, generated, len(suspects.members), extractor)
    found = {"samples_alone": sample_scores(spaces)}
    state = load_states(catalog.store, folder(model)).get("discriminator")
    if state is not None:
        discriminator = make_discriminator(preset)
        load_network(discriminator, state)
        logits = [judgements(discriminator.eval(), view, label) for view in views]
        found["simulation_discriminator"] = suspects.parted(np.mean(logits, axis=0))
    return found


def restoration_scores(catalog: Catalog, model: Model, suspects: Suspects) -> dict[str, Scores]:
    """Score by how much nearer a filler comes than its smooth start, and by its PatchGAN."""
    preset = json.loads(model["settings_json"])["preset"]
    filler = load_filler(catalog.store.read(model["weights_path"]))
    crops = _crops(catalog, suspects, preset)

    def gained(images: Tensor, mask: Tensor, part: Sequence[DamagedCrop]) -> Tensor:
        made = batch_to_arrays(fill_batch(filler, images, mask))
        begun = batch_to_arrays(torch.where(mask > 0.5, push_pull(images, mask), images))
        gains = [
            hole_psnr_db(after, crop) - hole_psnr_db(before, crop)
            for after, before, crop in zip(made, begun, part, strict=True)
        ]
        return torch.tensor(gains)

    found = {"filler_answers": suspects.parted(_by_work(crops, gained))}
    state = load_states(catalog.store, folder(model)).get("discriminator")
    if state is not None:
        patchgan = _loaded(PatchGan(preset["discriminator_width"]), state)

        def judged(images: Tensor, mask: Tensor, _: Sequence[DamagedCrop]) -> Tensor:
            logits, _ = patchgan(images, mask)
            holes = holed_patches(mask)
            return (logits * holes).sum(dim=(1, 2, 3)) / holes.sum(dim=(1, 2, 3)).clamp_min(1)

        found["filler_discriminator"] = suspects.parted(_by_work(crops, judged))
    return found


def style_scores(
    catalog: Catalog, model: Model, suspects: Suspects, name: str = "translator"
) -> dict[str, Scores]:
    """Score by how little a translator changes a work of its own, and by its discriminator.

    Args:
        catalog: The archive.
        model: Of the kind style or cyclegan.
        suspects: Works to tell apart.
        name: What the subjects are named after.
    """
    preset = json.loads(model["settings_json"])["preset"]
    translator = load_translator(catalog.store.read(model["weights_path"]))
    crops = _crops(catalog, suspects, preset)

    def kept(images: Tensor, _: Tensor, __: Sequence[DamagedCrop]) -> Tensor:
        return -(translator(images) - images).abs().mean(dim=(1, 2, 3))

    found = {f"{name}_answers": suspects.parted(_by_work(crops, kept))}
    states: States = load_states(catalog.store, folder(model))
    if "discriminator" in states:
        judge = _loaded(StyleDiscriminator(2 * preset["width"]), states["discriminator"])

        def judged(images: Tensor, _: Tensor, __: Sequence[DamagedCrop]) -> Tensor:
            return judge(images).mean(dim=(1, 2, 3))

        found[f"{name}_discriminator"] = suspects.parted(_by_work(crops, judged))
    return found


def _loaded(network: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    load_network(network, state)
    return network.eval()


def _crops(catalog: Catalog, suspects: Suspects, preset: Mapping[str, int]) -> list[DamagedCrop]:
    pictures = suspects.pictures(catalog, preset["short_side_px"])
    return evaluation_crops(pictures, preset["crop_px"], CROPS * len(pictures), SEED)


@torch.no_grad()
def _by_work(
    crops: Sequence[DamagedCrop],
    score: Callable[[Tensor, Tensor, Sequence[DamagedCrop]], Tensor],
) -> np.ndarray:
    """Average the scores of the crops of each work."""
    scores = []
    for start in range(0, len(crops), _BATCH):
        part = crops[start : start + _BATCH]
        images = arrays_to_batch([crop.truth for crop in part])
        mask = torch.from_numpy(np.stack([crop.mask for crop in part]))[:, None].float()
        scores.append(score(images, mask, part).double().numpy())
    joined, works = np.concatenate(scores), np.array([crop.picture for crop in crops])
    return np.bincount(works, joined) / np.bincount(works)

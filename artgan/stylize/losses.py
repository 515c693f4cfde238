"""Losses of style and content in the maps of VGG-19, for whatever is fitted to them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from artgan.errors import MissingAssetError
from artgan.metrics.vgg import Vgg19Conv34, load_vgg
from artgan.weights import VGG19_CONV3_4, find_weights

_TINY = 1e-12


def find_vgg(location: str | None, wanted_by: str) -> Path:
    """Look for the weights of VGG-19 up to conv3_4, which is as deep as these losses see.

    Args:
        location: Folder, file or prefix; see `artgan.weights.find_weights`.
        wanted_by: Who needs them, for the sentence.

    Raises:
        MissingAssetError: They are not there; in one sentence, with what to do.
        CorruptAssetError: A file with the right name has the wrong bytes.
    """
    path = find_weights(VGG19_CONV3_4, location)
    if path is None:
        raise MissingAssetError(
            f"weights for {wanted_by} must hold {VGG19_CONV3_4.file_names[0]}, got none at "
            f"{location!r}. Name a folder or prefix that has it with --weights; color and cut "
            "need none."
        )
    return path


def style_network(location: str | None, wanted_by: str) -> Vgg19Conv34:
    """Load VGG-19 up to conv3_4; see `find_vgg`."""
    return load_vgg(find_vgg(location, wanted_by))


def gram(features: Tensor) -> Tensor:
    """Products of channels averaged over places: (B, C, H, W) to (B, C, C)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def mean_grams(network: Vgg19Conv34, works: Sequence[Tensor]) -> list[Tensor]:
    """Average the Gram matrices of works (1, 3, H, W) in [0, 1]: (1, C, C) for each map."""
    with torch.inference_mode():
        found = [[gram(features) for features in network.maps(work)] for work in works]
        means = [torch.stack(grams).mean(dim=0) for grams in zip(*found, strict=True)]
    return [mean.clone() for mean in means]


def gram_loss(found: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Measure how far Gram matrices are from their targets, averaged over maps and pictures.

    The squared norm of the difference divided by that of the target: otherwise some styles weigh
    a thousand times as much as others.

    Args:
        found: (B, C, C) for each map.
        targets: The same, or (1, C, C).

    References:
        Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", eq. 5; the
        division: Cheng et al. 2021, https://arxiv.org/abs/2104.10064
    """
    parts = [
        ((one - target).square().sum(dim=(1, 2)) / target.square().sum(dim=(1, 2))).mean()
        for one, target in zip(found, targets, strict=True)
    ]
    return torch.stack(parts).mean()


def content_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Measure how far features are from those of the content, relative to the latter."""
    apart = (found - wanted).square().mean(dim=(1, 2, 3))
    return (apart / (wanted.square().mean(dim=(1, 2, 3)) + _TINY)).mean()

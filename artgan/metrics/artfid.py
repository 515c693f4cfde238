"""The two parts of ArtFID, each in a network that does not come with artgan.

ArtFID is (1 + LPIPS to the contents) times (1 + Fréchet distance to the style). The product hides
what was traded for what, so its parts are measured: `lpips` in AlexNet, and the Fréchet distance in
an Inception that learned from works of art.

References:
    Wright and Ommer 2022, "ArtFID: Quantitative Evaluation of Neural Style Transfer",
    https://arxiv.org/abs/2207.12280. Differs: pictures are scaled to squares of one size, where
    its authors take them as they come.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import AlexNet
from torchvision.models.inception import Inception3

from artgan.errors import InvalidInputError
from artgan.metrics.features import Extractor
from artgan.metrics.inception import STAGES, InceptionFeatures
from artgan.metrics.perceptual import compare_pairs
from artgan.metrics.preprocess import to_square
from artgan.metrics.weights_file import fill, read_tensors
from artgan.weights import (
    ALEXNET,
    ART_INCEPTION,
    LPIPS_HEADS,
    find_weights,
    weights_sha256,
)

_TINY = 1e-10
_STEPS = ((0, 2), (2, 5), (5, 8), (8, 10), (10, 12))
"""Layers of AlexNet between one map that LPIPS looks at and the next."""
_WIDTHS = (64, 192, 384, 256, 256)
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


class LpipsAlexNet(nn.Module):
    """What LPIPS sees: five maps of AlexNet, and how much each of their channels counts.

    Args:
        backbone: Weights of torchvision's AlexNet.
        heads: Weights of LPIPS 0.1: ``lin0.model.1.weight`` and so on, (1, C, 1, 1) each.

    Raises:
        CorruptAssetError: A name is missing, or a shape differs.

    References:
        Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual
        Metric", https://arxiv.org/abs/1801.03924
    """

    def __init__(self, backbone: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> None:
        super().__init__()
        layers = AlexNet().features
        fill(layers, ALEXNET, _below("features.", backbone))
        for layer in layers.children():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.steps = nn.ModuleList(layers[start:end] for start, end in _STEPS)
        self.heads = nn.ModuleList(nn.Conv2d(wide, 1, 1, bias=False) for wide in _WIDTHS)
        named = {
            name.replace("lin", "").replace(".model.1.", "."): one for name, one in heads.items()
        }
        fill(self.heads, LPIPS_HEADS, named)
        self.eval().requires_grad_(requires_grad=False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the five maps (B, C, h, w) of prepared images, sides at least 63."""
        found, x = [], images
        for step in self.steps:
            x = step(x)
            found.append(x)
        return found


class ArtInception(InceptionFeatures):
    """Features of an Inception v3 of torchvision's form, whatever classes it learned.

    Args:
        weights: A tensor for each name of the file; those of heads are left out.

    Raises:
        CorruptAssetError: A name is missing, or a shape differs.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        layout = Inception3(aux_logits=False, init_weights=False)
        stages = nn.ModuleDict({name: layout.get_submodule(name) for name in STAGES})
        kept = {name: one for name, one in weights.items() if name.partition(".")[0] in STAGES}
        fill(stages, ART_INCEPTION, kept)
        super().__init__(layout)


def lpips(
    extractor: Extractor,
    results: Sequence[np.ndarray],
    sources: Sequence[np.ndarray],
    batch_size: int = 16,
) -> np.ndarray:
    """Measure LPIPS between pictures, as ``lpips.LPIPS(net="alex")`` does; 0 is equal.

    Args:
        extractor: What `load_lpips` gives.
        results: N pictures (H, W, 3) uint8, sRGB.
        sources: The N pictures they were made from, same order.
        batch_size: Pictures in the network at a time.

    Returns:
        (N,) float64, at least 0.

    Raises:
        InvalidInputError: The network is another, there are no pictures, the numbers differ, or
            one is no picture.
    """
    network = extractor.network
    if not isinstance(network, LpipsAlexNet):
        raise InvalidInputError(
            f"extractor must be AlexNet with the heads of LPIPS, got {extractor.name}. "
            f"Name a folder with {ALEXNET.file_names[0]} and {LPIPS_HEADS.file_names[0]}."
        )

    def distance(result: Tensor, source: Tensor) -> Tensor:
        maps = zip(extractor.embed_maps(result), extractor.embed_maps(source), strict=True)
        parts = [
            (head.get_parameter("weight").double() * _apart(*pair)).sum(dim=1).mean(dim=(1, 2))
            for head, pair in zip(network.heads, maps, strict=True)
        ]
        return torch.stack(parts).sum(dim=0)

    return compare_pairs(extractor, results, sources, batch_size, distance)


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Squared differences of channels (B, C, h, w), scaled to length 1 at each place."""
    unit = [F.normalize(x.double(), dim=1, eps=_TINY) for x in (one, other)]
    return (unit[0] - unit[1]).square()


def load_lpips(location: str | None, size_px: int) -> Extractor | None:
    """Find what LPIPS looks with; None where one of its two files is not there.

    Args:
        location: As for `artgan.weights.find_weights`.
        size_px: Side of the squares that pictures are scaled to, at least 63.

    Raises:
        CorruptAssetError: A file has a known name and wrong bytes.
        MissingAssetError: The place does not exist or cannot be reached.
    """
    backbone, heads = find_weights(ALEXNET, location), find_weights(LPIPS_HEADS, location)
    if backbone is None or heads is None:
        return None
    network = LpipsAlexNet(read_tensors(ALEXNET, backbone), read_tensors(LPIPS_HEADS, heads))
    return Extractor(
        name=LPIPS_HEADS.name,
        label="LPIPS-Alex",
        preprocessing=f"bicubic-antialias-{size_px}",
        weights_sha256=weights_sha256(backbone),
        is_fid=False,
        network=network,
        prepare=partial(_prepare_lpips, size_px=size_px),
    )


def load_art_inception(location: str | None, size_px: int) -> Extractor | None:
    """Find the Inception of ArtFID; None where it is not there. See `load_lpips`; sides from 75."""
    path = find_weights(ART_INCEPTION, location)
    if path is None:
        return None
    return Extractor(
        name=ART_INCEPTION.name,
        label="FD-art-inception",
        preprocessing=f"bicubic-antialias-{size_px}",
        weights_sha256=weights_sha256(path),
        is_fid=False,
        network=ArtInception(read_tensors(ART_INCEPTION, path)),
        prepare=partial(to_square, size_px=size_px),
    )


def _prepare_lpips(images: Tensor, size_px: int) -> Tensor:
    shift, scale = (torch.tensor(one).view(1, 3, 1, 1) for one in (_SHIFT, _SCALE))
    return (2 * to_square(images, size_px) - 1 - shift) / scale


def _below(prefix: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): one for k, one in weights.items() if k.startswith(prefix)}

"""Pictures to features, and which network may be called what.

The word FID is kept for the Inception weights of 2015-12-05, proved by their sha256, with a named
preprocessing. Every other network gives a Fréchet distance (FD) named after it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from artgan.errors import InvalidInputError, MissingAssetError
from artgan.imaging.tensors import arrays_to_batch, check_images
from artgan.metrics.preprocess import to_clean_fid, to_pytorch_fid, to_square
from artgan.metrics.pyramid import RandomPyramid
from artgan.metrics.vgg import Vgg19Conv34, load_vgg
from artgan.weights import INCEPTION, VGG19_CONV3_4, find_weights, weights_sha256

if TYPE_CHECKING:
    from artgan.metrics.archive_network import ArchiveNetwork
    from artgan.metrics.artfid import LpipsAlexNet
    from artgan.metrics.inception import FidInception, InceptionFeatures

FeatureNetwork: TypeAlias = (
    "InceptionFeatures | Vgg19Conv34 | ArchiveNetwork | RandomPyramid | LpipsAlexNet"
)
VGG_SIZE_PX = 128
PYRAMID_SIZE_PX = 64


@dataclass(frozen=True, eq=False)
class Extractor:
    """A feature network with its preprocessing and its honest name.

    Attributes:
        name: Network, as it stands in the metrics table: ``inception-2015-12-05``...
        label: What its Fréchet distance may be called: ``FID (pytorch-fid)``, ``FD-VGG19c34``...
        preprocessing: What is done to pictures first: ``pytorch-fid-0.3``...
        weights_sha256: sha256 of the weights file, or of the bytes of weights without a file.
        is_fid: Whether the distance is the FID.
        network: Maps prepared images to features.
        prepare: Maps images (B, 3, H, W) in [0, 1] to what the network takes.
    """

    name: str
    label: str
    preprocessing: str
    weights_sha256: str
    is_fid: bool
    network: FeatureNetwork
    prepare: Callable[[Tensor], Tensor]

    def features(self, images: Tensor) -> Tensor:
        """Compute one feature vector for each image.

        Args:
            images: (B, 3, H, W) float32 in [0, 1], of any size.

        Returns:
            (B, D) float32 on the network's device.

        Raises:
            InvalidInputError: The images are no image batch.
        """
        check_images(images)
        return self.embed(self.prepare(images))

    def maps(self, images: Tensor) -> list[Tensor]:
        """Compute feature maps at three scales, finest first, for measures of style and content.

        Args:
            images: (B, 3, H, W) float32 in [0, 1], of any size.

        Returns:
            Three tensors (B, C, h, w), none negative.

        Raises:
            InvalidInputError: The images are no image batch.
        """
        check_images(images)
        return self.embed_maps(self.prepare(images))

    def embed(self, prepared: Tensor) -> Tensor:
        """Compute features (B, D) of images that went through ``prepare``."""
        return self.embed_by(self.network, prepared)

    def embed_maps(self, prepared: Tensor) -> list[Tensor]:
        """Compute feature maps of images that went through ``prepare``."""
        with torch.inference_mode(), _full_precision():
            return self.network.maps(self._to_device(prepared))

    def embed_by(self, part: Callable[[Tensor], Tensor], prepared: Tensor) -> Tensor:
        """Compute what a part of the network makes of images that went through ``prepare``."""
        with torch.inference_mode(), _full_precision():
            return part(self._to_device(prepared))

    def _to_device(self, prepared: Tensor) -> Tensor:
        return prepared.to(next(self.network.parameters()).device)


def _full_precision() -> AbstractContextManager[None]:
    # TF32 keeps 10 bits of each factor, enough to move a distance in its third digit
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def inception_extractor(
    network: "FidInception", weights_sha256: str, preprocessing: str = "pytorch-fid-0.3"
) -> Extractor:
    """Join the FID network with a preprocessing, and name the pair by what its weights are.

    Args:
        network: The 2015 layout.
        weights_sha256: sha256 of the file it was loaded from. Unless it is that of the real
            file, the label says so and the distance is not called FID.
        preprocessing: ``pytorch-fid-0.3`` or ``clean-fid-0.1.35``.

    Raises:
        InvalidInputError: The preprocessing is another.
    """
    labels = {"pytorch-fid-0.3": "FID (pytorch-fid)", "clean-fid-0.1.35": "clean-FID"}
    if preprocessing not in labels:
        raise InvalidInputError(
            f"preprocessing must be one of {', '.join(labels)}, got {preprocessing!r}."
        )
    real = weights_sha256.startswith(INCEPTION.sha256)
    return Extractor(
        name=INCEPTION.name if real else "inception-unverified",
        label=labels[preprocessing] if real else "FD-inception-unverified",
        preprocessing=preprocessing,
        weights_sha256=weights_sha256,
        is_fid=real,
        network=network,
        prepare=to_pytorch_fid if preprocessing == "pytorch-fid-0.3" else to_clean_fid,
    )


def vgg_extractor(
    network: Vgg19Conv34, weights_sha256: str, size_px: int = VGG_SIZE_PX
) -> Extractor:
    """Join VGG-19 up to conv3_4 with its preprocessing: squares of ``size_px``."""
    return Extractor(
        name=VGG19_CONV3_4.name,
        label="FD-VGG19c34",
        preprocessing=f"bicubic-antialias-{size_px}",
        weights_sha256=weights_sha256,
        is_fid=False,
        network=network,
        prepare=partial(to_square, size_px=size_px),
    )


def random_extractor(seed: int = 0, size_px: int = PYRAMID_SIZE_PX) -> Extractor:
    """Make the untrained pyramid with its preprocessing: squares of ``size_px``."""
    network = RandomPyramid(seed)
    return Extractor(
        name=f"random-conv-seed{seed}",
        label="FD-random",
        preprocessing=f"bicubic-antialias-{size_px}",
        weights_sha256=network.sha256(),
        is_fid=False,
        network=network,
        prepare=partial(to_square, size_px=size_px),
    )


def load_extractor(
    location: str | None,
    require_fid: bool = False,  # noqa: FBT001, FBT002 - reads well as a keyword, and callers use one
    *,
    vgg_size_px: int = VGG_SIZE_PX,
    device: str = "cpu",
) -> Extractor:
    """Take the best feature network that is there: Inception, else VGG-19, else random.

    Args:
        location: Folder, file, or ``s3://``/``https://`` prefix that holds weights; None: nowhere.
        require_fid: Refuse a stand-in.
        vgg_size_px: Side to which VGG-19's pictures are scaled; smaller is faster and sees less
            of the fine texture. Numbers of different sides do not compare; the name holds it.
        device: Where the network runs.

    Raises:
        MissingAssetError: The FID network is required and not there, or the prefix is unreachable.
        CorruptAssetError: A file has a known name and wrong bytes.
        InvalidInputError: The location is a file of unknown bytes.
    """
    extractor = _find_extractor(location, vgg_size_px)
    if require_fid and not extractor.is_fid:
        raise MissingAssetError(
            f"weights for FID must hold {INCEPTION.file_names[0]}, got none at {location!r}. "
            f"Download it from {INCEPTION.source_url} into a folder and name that folder."
        )
    extractor.network.to(device)
    return extractor


def load_vgg_extractor(location: str | None, size_px: int) -> Extractor | None:
    """Take VGG-19 for measures that are defined in its maps; None where it is not there.

    Places and errors are those of `load_extractor`; pictures are scaled to ``size_px`` squares.
    """
    path = find_weights(VGG19_CONV3_4, location)
    return None if path is None else vgg_extractor(load_vgg(path), weights_sha256(path), size_px)


def _find_extractor(location: str | None, vgg_size_px: int) -> Extractor:
    inception = find_weights(INCEPTION, location)
    if inception is not None:
        # with it comes torchvision, which takes two seconds
        from artgan.metrics.inception import load_inception  # noqa: PLC0415

        return inception_extractor(load_inception(inception), weights_sha256(inception))
    vgg = load_vgg_extractor(location, vgg_size_px)
    if vgg is not None:
        return vgg
    if location and Path(location.removeprefix("file://")).expanduser().is_file():
        raise InvalidInputError(
            f"weights must be a known file ({INCEPTION.file_names[0]} or "
            f"{VGG19_CONV3_4.file_names[0]}), got {location!r} with other bytes."
        )
    return random_extractor()


def extract(extractor: Extractor, arrays: Sequence[np.ndarray], batch_size: int = 32) -> np.ndarray:
    """Compute features of pictures, which may differ in size.

    Each picture is scaled by itself before batching, so neither its neighbours nor the batch size
    change its features beyond round-off.

    Args:
        extractor: Network and preprocessing.
        arrays: N pictures (H, W, 3) uint8, sRGB.
        batch_size: Pictures in the network at a time.

    Returns:
        (N, D) float64.

    Raises:
        InvalidInputError: There are none, or one is no picture.
    """
    chunks = [
        extractor.embed(batch).double().cpu().numpy()
        for batch in prepared_batches(extractor, arrays, batch_size)
    ]
    return np.concatenate(chunks)


def prepared_batches(
    extractor: Extractor, arrays: Sequence[np.ndarray], batch_size: int
) -> Iterator[Tensor]:
    """Give pictures as batches that went through the extractor's ``prepare``, one by one.

    Raises:
        InvalidInputError: There are none, or one is no picture.
    """
    if len(arrays) == 0:
        raise InvalidInputError("arrays must hold at least one picture, got none.")
    for start in range(0, len(arrays), batch_size):
        chunk = arrays[start : start + batch_size]
        yield torch.cat([extractor.prepare(arrays_to_batch([array])) for array in chunk])


def normalise(real: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """Shift and divide all features alike, so that distances do not depend on a network's scale.

    Every feature loses its mean over the real set, then all are divided by one number,
    sqrt(tr(C) / D), the root mean variance of a feature over the real set. VGG's raw distances
    run into millions; after this a Fréchet distance of D is the real set's own spread. Neither
    step changes how sets rank in Fréchet distance or nearest neighbours, and the shift changes
    no distance at all. For KID it matters: on features with a large common mean its cubic kernel
    measures that mean. Measured with VGG-19 on random halves of one collection, 60 paintings a
    side, 200 times: KID x 1000 scatters around 0 by 12,000 without the shift and by 100 with it,
    and the small bias that a shift by the same works' mean could bring (15) is not told from 0.

    Not for Inception features: published FIDs and KIDs are of raw ones.

    Args:
        real: (N, D) features that set mean and scale.
        others: (M, D) features to be treated by the same numbers.

    Returns:
        The real features, then the others, float64.

    Raises:
        InvalidInputError: All real features are equal, so that there is no scale.
    """
    scale = float(np.sqrt(np.var(real, axis=0, ddof=1).mean())) if len(real) > 1 else 0.0
    if not scale > 0.0:
        raise InvalidInputError(
            f"real must hold works that differ, got {len(real)} with equal features. Add works."
        )
    mean = real.mean(axis=0, dtype=np.float64)
    return tuple((features - mean) / scale for features in (real, *others))

"""Weights made by others: which files are known, what their bytes must be, where to find them.

Nothing here is downloaded from its maker unasked. A location given by the user is searched: a
folder, a file, or an ``s3://`` or ``https://`` prefix, from which a file is fetched once.
"""

import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import fsspec

from artgan.errors import CorruptAssetError, MissingAssetError
from artgan.keys import file_sha256


@dataclass(frozen=True)
class WeightsSpec:
    """One file of weights that artgan can use but did not make.

    Attributes:
        name: Name that stands in the metrics table.
        file_names: File names under which it is spread, in order of search.
        sha256: sha256 of the file in hex; the first digits only, where no more is published, and
            empty where nothing is.
        licence: Licence of the weights.
        source_url: Where its maker offers it.
        note: What a reader must know.
    """

    name: str
    file_names: tuple[str, ...]
    sha256: str
    licence: str
    source_url: str
    note: str


INCEPTION = WeightsSpec(
    name="inception-2015-12-05",
    file_names=(
        "pt_inception-2015-12-05-6726825d.pth",
        "weights-inception-2015-12-05-6726825d.pth",
    ),
    sha256="6726825d",
    licence="Apache 2.0",
    source_url="https://github.com/mseitzer/pytorch-fid/releases/tag/fid_weights",
    note="The network that defines FID; the digits in its file name begin its sha256.",
)

VGG19_CONV3_4 = WeightsSpec(
    name="vgg19-conv3_4",
    file_names=("vgg19_conv1_1-conv3_4.safetensors",),
    sha256="b78ab02b98560c2f8cc12aec0a173a60bb306e5e10a438922f79019866ed4a10",
    licence="CC BY 4.0",
    source_url="https://www.robots.ox.ac.uk/~vgg/research/very_deep/",
    note="First eight convolutions of the ImageNet VGG-19 of Oxford's Visual Geometry Group, in "
    "torchvision's layout and input scale; conv1_1 was rescaled to it.",
)

ART_INCEPTION = WeightsSpec(
    name="art-inception",
    file_names=("art_inception.pth",),
    sha256="",
    licence="Apache 2.0",
    source_url="https://github.com/matthias-wright/art-fid",
    note="An Inception v3 that learned from 250,000 works of art: the style part of ArtFID. No "
    "sha256 is published, so any file of that name is taken; the metrics table tells which.",
)

ALEXNET = WeightsSpec(
    name="alexnet-imagenet",
    file_names=("alexnet-owt-7be5be79.pth",),
    sha256="7be5be79",
    licence="BSD 3-Clause",
    source_url="https://github.com/pytorch/vision",
    note="What LPIPS looks with; the digits in its file name begin its sha256.",
)

LPIPS_HEADS = WeightsSpec(
    name="lpips-alex-0.1",
    file_names=("alex.pth",),
    sha256="df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    licence="BSD 2-Clause",
    source_url="https://github.com/richzhang/PerceptualSimilarity",
    note="Weights of AlexNet's channels in LPIPS, version 0.1; in that project's folder weights.",
)

KNOWN_WEIGHTS: tuple[WeightsSpec, ...] = (
    INCEPTION,
    VGG19_CONV3_4,
    ART_INCEPTION,
    ALEXNET,
    LPIPS_HEADS,
)


def weights_sha256(path: Path) -> str:
    """Return the sha256 of a file in hex; a file unchanged in size and mtime is read once."""
    facts = path.stat()
    return _digest(str(path.resolve()), facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: str, _size: int, _mtime_ns: int) -> str:
    return file_sha256(Path(path))


def check_weights(spec: WeightsSpec, path: Path, origin: str | None = None) -> None:
    """Refuse a file whose bytes are not the known ones.

    Args:
        spec: The file expected.
        path: The file found.
        origin: Where the file came from, for the sentence; the path if not given.

    Raises:
        CorruptAssetError: The sha256 differs; the sentence names the expected and the found one.
    """
    found = weights_sha256(path)
    if not found.startswith(spec.sha256):
        raise CorruptAssetError(
            f"weights {spec.name} must have a sha256 starting {spec.sha256}, got {found} in "
            f"{origin or path}. Fetch the file again from {spec.source_url}."
        )


def find_weights(spec: WeightsSpec, location: str | None) -> Path | None:
    """Look for a known file at the place the user named, and check its bytes.

    Args:
        spec: The file wanted.
        location: A folder; a file (one under a name of the user's own is taken if its bytes are
            the known ones); or a prefix such as ``s3://bucket/weights`` or ``https://host/path``.
            From a prefix the file is fetched once into ``~/.cache/artgan/weights``
            (``$ARTGAN_CACHE/weights`` if that variable is set).

    Returns:
        A local path to checked bytes; None if no location is given or the file is not there.

    Raises:
        CorruptAssetError: A file with the right name has the wrong bytes.
        MissingAssetError: The local place does not exist, or the prefix cannot be reached, so that
            nobody knows whether the file is there.
    """
    if not location:
        return None
    location = location.removeprefix("file://")
    if "://" in location:
        return _find_remote(spec, location.rstrip("/"))
    place = Path(location).expanduser()
    if not place.exists():
        raise MissingAssetError(
            f"weights must be an existing folder or file, got {location!r}. "
            "Name another, or leave it out to use the labelled stand-in."
        )
    if place.is_file() and place.name not in spec.file_names:
        same = spec.sha256 and weights_sha256(place).startswith(spec.sha256)
        return place if same else None
    candidates = [place] if place.is_file() else [place / name for name in spec.file_names]
    for path in candidates:
        if path.is_file():
            check_weights(spec, path)
            return path
    return None


def cache_folder() -> Path:
    """Folder that keeps fetched weights."""
    root = os.environ.get("ARTGAN_CACHE") or "~/.cache/artgan"
    return Path(root).expanduser() / "weights"


def _find_remote(spec: WeightsSpec, prefix: str) -> Path | None:
    for name in spec.file_names:
        cached = cache_folder() / name
        if cached.is_file() and weights_sha256(cached).startswith(spec.sha256):
            return cached
        if _fetch(spec, f"{prefix}/{name}", cached):
            return cached
    return None


def _fetch(spec: WeightsSpec, uri: str, target: Path) -> bool:
    """Bring one file into the cache, whole and checked; False if it is not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix="fetch-")
    os.close(handle)
    temporary = Path(name)
    try:
        if not _copy(spec, uri, temporary):
            return False
        check_weights(spec, temporary, origin=uri)
        temporary.replace(target)
        return True
    finally:
        # gone already after a success; otherwise a partial or wrong file must not stay
        temporary.unlink(missing_ok=True)


def _copy(spec: WeightsSpec, uri: str, temporary: Path) -> bool:
    try:
        files, path = fsspec.url_to_fs(uri)
        files.get_file(path, str(temporary))
    except FileNotFoundError:
        return False
    except Exception as error:  # each protocol has its own errors for "no way there"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise MissingAssetError(
            f"weights {spec.name} must be reachable, got {uri!r}: {reason}. "
            "Check the address and the credentials, or name a local folder."
        ) from error
    return True

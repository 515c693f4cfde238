"""A small network that knows the archive's own works, for distances named FD-archive.

Networks trained on photographs see little of what tells one collection from another. This one is
trained to tell them apart, so its features are about just that. It is the archive's own: numbers
of two archives, or of two trainings, do not compare, and its name carries the sha256 of its bytes.
"""

import hashlib
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from artgan.errors import CorruptAssetError
from artgan.metrics.features import Extractor
from artgan.metrics.preprocess import to_square
from artgan.models.checkpoint import load_network, unpack_weights

SIDE_PX = 64
_WIDTHS = (24, 48, 96, 128)
_GROUPS = 8
_NAME = "archive"


class ArchiveNetwork(nn.Module):
    """Four convolutions, halving in between; the means of the last map are the features.

    Args:
        labels: Number of labels that it tells apart.
    """

    def __init__(self, labels: int) -> None:
        super().__init__()
        pairs = zip((3, *_WIDTHS[:-1]), _WIDTHS, strict=True)
        # the first one steps by 2: at full size it alone would take most of the training's time
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2 if a == 3 else 1, padding=1) for a, b in pairs
        )
        self.norms = nn.ModuleList(nn.GroupNorm(_GROUPS, width) for width in _WIDTHS)
        self.head = nn.Linear(_WIDTHS[-1], labels)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps at half, quarter and eighth size: (B, 24 | 48 | 96, h, w)."""
        return self._maps(images)[:-1]

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, 3, H, W) in [0, 1], H and W at least 16, to features (B, 128)."""
        return self._maps(images)[-1].mean(dim=(2, 3))

    def classify(self, images: Tensor) -> Tensor:
        """Return a score for each label, (B, labels)."""
        return self.head(self(images))

    def _maps(self, images: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        x = images * 2.0 - 1.0
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = F.relu(norm(convolution(F.avg_pool2d(x, 2) if found else x)))
            found.append(x)
        return found


def archive_extractor(content: bytes) -> Extractor:
    """Rebuild a trained network with its preprocessing, squares of 64 px, and its name.

    Args:
        content: What ``pack_weights`` made of a network named ``archive`` and settings with
            ``labels``.

    Raises:
        CorruptAssetError: The bytes hold something else.
    """
    states, settings = unpack_weights(content)
    labels = settings.get("labels")
    if not isinstance(labels, list) or _NAME not in states:
        raise CorruptAssetError(
            f"weights must be of an archive's own network, got settings {settings}. "
            "Delete the object; the next report trains it again."
        )
    network = ArchiveNetwork(len(labels))
    load_network(network, states[_NAME])
    network.eval().requires_grad_(requires_grad=False)
    sha256 = hashlib.sha256(content).hexdigest()
    return Extractor(
        name=f"archive-{sha256[:8]}",
        label=f"FD-archive-{sha256[:8]}",
        preprocessing=f"bicubic-antialias-{SIDE_PX}",
        weights_sha256=sha256,
        is_fid=False,
        network=network,
        prepare=partial(to_square, size_px=SIDE_PX),
    )

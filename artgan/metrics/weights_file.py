"""Networks filled from files that ``torch.save`` wrote: all that is needed, and nothing else."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from artgan.errors import CorruptAssetError
from artgan.weights import WeightsSpec


def read_tensors(spec: WeightsSpec, path: Path) -> Mapping[str, Tensor]:
    """Read a dictionary of tensors, without running any code that the file may hold.

    Args:
        spec: What the file should be, for the sentence.
        path: A file written by ``torch.save``; its sha256 is the caller's to check.

    Raises:
        CorruptAssetError: The file is no such dictionary.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling damaged bytes raises almost anything
        raise _misfit(spec, f"unreadable bytes in {path}") from error
    if not isinstance(weights, Mapping):
        raise _misfit(spec, f"a {type(weights).__name__} in {path}")
    return weights


def fill(network: nn.Module, spec: WeightsSpec, weights: Mapping[str, Tensor]) -> None:
    """Load weights into a network; torch's counters of batches may lack, inference reads none.

    Raises:
        CorruptAssetError: A name is missing or unknown, or a shape differs.
    """
    try:
        report = network.load_state_dict(dict(weights), strict=False)
    except RuntimeError as error:
        raise _misfit(spec, " ".join(str(error).split())[:200]) from error
    missing = [name for name in report.missing_keys if not name.endswith("num_batches_tracked")]
    wrong = [*missing, *report.unexpected_keys]
    if wrong:
        raise _misfit(spec, f"{len(wrong)} names that differ, first {wrong[0]!r}")


def _misfit(spec: WeightsSpec, found: str) -> CorruptAssetError:
    return CorruptAssetError(
        f"weights {spec.name} must fit their network, got {found}. "
        f"Use {spec.file_names[0]} from {spec.source_url}."
    )

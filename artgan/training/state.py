"""The state of a training as one object: enough to go on exactly where it stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from artgan.errors import CorruptAssetError
from artgan.models.checkpoint import bytes_to_tensors, flatten, load_network, tensors_to_bytes

FORMAT = "artgan-training-1"
_NETWORK, _OPTIMIZER = "network", "optimizer"

Record = dict[str, float]


@dataclass(frozen=True)
class Position:
    """How far a training has come.

    Attributes:
        step: Steps done.
        history: One record for each validation: ``step`` and the measures.
        retries: Times that the training has gone back because its losses were not finite.
    """

    step: int = 0
    history: tuple[Record, ...] = ()
    retries: int = 0


def pack_state(
    networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], position: Position
) -> bytes:
    """Write everything that a training needs in order to go on, as one safetensors object.

    Args:
        networks: Networks by name.
        optimizers: Optimizers by name.
        position: Where the training stands.

    Returns:
        The object; no random state is in it, for the loop seeds each step by its number.
    """
    tensors = flatten({f"{_NETWORK}/{name}": n.state_dict() for name, n in networks.items()})
    groups = {}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        groups[name] = state["param_groups"]
        for index, values in state["state"].items():
            for key, value in values.items():
                tensors[f"{_OPTIMIZER}/{name}.{index}.{key}"] = torch.as_tensor(value)
    header = {
        "format": FORMAT,
        "groups": groups,
        "position": [position.step, position.history, position.retries],
    }
    return tensors_to_bytes(tensors, header)


def restore_state(
    data: bytes, networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
) -> Position:
    """Put networks and optimizers back to where ``pack_state`` found them.

    Args:
        data: What ``pack_state`` returned.
        networks: The same networks by the same names, changed in place.
        optimizers: The same optimizers by the same names, changed in place.

    Returns:
        Where the training stood.

    Raises:
        CorruptAssetError: The bytes are no such state, or one of other networks.
    """
    tensors, header = bytes_to_tensors(data)
    if header.get("format") != FORMAT:
        raise CorruptAssetError(
            f"training state must be in the format {FORMAT}, got {header.get('format')!r}. "
            "Delete it to start the training anew."
        )
    for name, network in networks.items():
        load_network(network, _below(tensors, f"{_NETWORK}/{name}."))
    for name, optimizer in optimizers.items():
        _load_optimizer(optimizer, _below(tensors, f"{_OPTIMIZER}/{name}."), header["groups"][name])
    step, history, retries = header["position"]
    return Position(step, tuple(history), retries)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _load_optimizer(
    optimizer: Optimizer, tensors: Mapping[str, Tensor], groups: list[dict[str, Any]]
) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for full_name, tensor in tensors.items():
        index, _, key = full_name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    for group in groups:
        if "betas" in group:
            group["betas"] = tuple(group["betas"])  # JSON has no tuples
    try:
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    except ValueError as error:
        raise CorruptAssetError(
            f"training state must fit the optimizers of this training, got: {error} "
            "Delete it to start the training anew."
        ) from error

"""Weights as bytes: safetensors with their settings inside, never pickle."""

import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from artgan.errors import CorruptAssetError

FORMAT = "artgan-weights-1"
_HEADER = "artgan"


def tensors_to_bytes(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> bytes:
    """Write tensors and a header as one safetensors object.

    Args:
        tensors: Tensors of any shape and device by name.
        header: What stands in the object's metadata; anything JSON can hold.

    Returns:
        The object; equal tensors and headers give equal bytes.
    """
    # clone: networks may share a tensor (an EMA at step 0), the format refuses shared memory
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # one entry only: the format does not keep the order of several
    metadata = {_HEADER: json.dumps(dict(header), sort_keys=True)}
    return safetensors.torch.save(plain, metadata=metadata)


def bytes_to_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``tensors_to_bytes`` wrote.

    Args:
        data: A safetensors object.

    Returns:
        The tensors by name, and the header, empty in an object that something else wrote.

    Raises:
        CorruptAssetError: The bytes are no complete safetensors object.
    """
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise CorruptAssetError(
            f"weights must be a safetensors object, got {len(data)} bytes that are not ({error}). "
            "Delete the object and train or copy it again."
        ) from error
    # the loader checked the header, but gives no access to its metadata
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return tensors, json.loads(metadata.get(_HEADER, "{}"))


def flatten(states: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Join state dictionaries into one, each name led by its network's and a dot."""
    return {
        f"{network}.{name}": tensor
        for network, state in states.items()
        for name, tensor in state.items()
    }


def unflatten(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Undo ``flatten``."""
    states: dict[str, dict[str, Tensor]] = {}
    for full_name, tensor in tensors.items():
        network, _, name = full_name.partition(".")
        states.setdefault(network, {})[name] = tensor
    return states


def pack_weights(networks: Mapping[str, nn.Module], settings: Mapping[str, Any]) -> bytes:
    """Write networks and the settings that rebuild them as one object.

    Args:
        networks: Networks by name; a name holds no dot.
        settings: Anything JSON can hold, for example a preset's fields.

    Returns:
        A safetensors object with the settings in its metadata.
    """
    tensors = flatten({name: network.state_dict() for name, network in networks.items()})
    return tensors_to_bytes(tensors, {"format": FORMAT, "settings": dict(settings)})


def unpack_weights(data: bytes) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read what ``pack_weights`` wrote.

    Args:
        data: The object's bytes.

    Returns:
        A state dictionary for each network by name, and the settings.

    Raises:
        CorruptAssetError: The bytes are something else.
    """
    tensors, header = bytes_to_tensors(data)
    if header.get("format") != FORMAT:
        raise CorruptAssetError(
            f"weights must be in the format {FORMAT}, got {header.get('format')!r}. "
            "Use a model that this program trained."
        )
    return unflatten(tensors), header["settings"]


def load_network(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copy weights into a network of the same architecture.

    Args:
        network: Receives the weights, on the device it is on.
        state: One tensor for each of the network's names.

    Raises:
        CorruptAssetError: A name is missing or too many, or a shape differs.
    """
    try:
        network.load_state_dict(dict(state))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise CorruptAssetError(
            f"weights must fit the network that their settings describe, got: {reason}. "
            "Train the model again with these settings."
        ) from error

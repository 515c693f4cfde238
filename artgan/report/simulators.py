"""The networks and losses of simulation, in words for a model card."""

from collections.abc import Mapping
from typing import Any

from artgan.presets import LossName, NetworkName

_NETWORKS: dict[NetworkName, str] = {
    "skip": "Convolutional generator with skip-layer excitation and self-modulation "
    "(artgan.models.generator)",
    "style": "Style-based generator (artgan.models.style_generator)",
    "dcgan": "Plain transposed convolutions (artgan.models.dcgan)",
}
_LOSSES: dict[LossName, str] = {
    "relativistic": "a relativistic loss and R1 and R2 penalties",
    "non-saturating": "the non-saturating loss and an R1 penalty",
    "hinge": "the hinge loss and an R1 penalty",
    "wgan-gp": "the Wasserstein loss and a penalty on slopes other than one",
}


def simulator_words(preset: Mapping[str, Any]) -> str:
    """Describe network, loss, codes and classes of a simulation model.

    Args:
        preset: Of the model's settings; those of older models name no network and no loss.
    """
    network, loss = preset.get("network", "skip"), preset.get("loss", "relativistic")
    words = f"{_NETWORKS[network]}, trained with {_LOSSES[loss]}."
    if preset.get("continuous") or preset.get("modes"):
        words += (
            f" Works can be turned along {preset['continuous']} learned axes and put into "
            f"{preset['modes']} learned groups."
        )
    if preset.get("classes"):
        words += f" Works of {len(preset['classes'])} collections can be asked for by name."
    return words

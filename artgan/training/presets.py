"""Kept while modules move."""

from artgan.presets import *  # noqa: F403
from artgan.presets import (  # noqa: F401
    PRESETS,
    Kind,
    PresetName,
    RestorationPreset,
    SimulationPreset,
    StylePreset,
    TrainPreset,
)

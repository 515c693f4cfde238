"""Kept while modules move."""
from artgan.presets import *  # noqa: F403
from artgan.presets import PRESETS, Kind, PresetName, RestorationPreset, SimulationPreset, StylePreset, TrainPreset  # noqa: F401

"""Settings: one class per flow is its form, its command line, its YAML and its checks.

A field's docstring is the help text everywhere. Defaults stand here and nowhere else. Secrets
never stand here: storage credentials come from the environment.
"""

from artgan.config.base import ArchiveSettings, FlowSettings, Settings
from artgan.config.care import FixitySettings, MaintainSettings, ReviewSettings, WithdrawSettings
from artgan.config.commands import (
    PatchSettings,
    QuerySettings,
    SampleSettings,
    TraceSettings,
    VerifySettings,
)
from artgan.config.film import FilmMethod, FilmSettings
from artgan.config.flows import (
    AccessFormat,
    DetectSettings,
    EnhanceSettings,
    IiifSettings,
    IngestSettings,
    MaskChoice,
    NightlySettings,
    PublishSettings,
    ReportSettings,
    RestoreSettings,
    SimulateSettings,
    TrainSettings,
)
from artgan.config.service import (
    DeploySettings,
    PoolType,
    RunnerName,
    RunnerSettings,
    ServeSettings,
    StatusSettings,
)
from artgan.config.stylize import StyleMethod, StylizeSettings
from artgan.config.texture import TextureSettings

__all__ = [
    "AccessFormat",
    "ArchiveSettings",
    "DeploySettings",
    "DetectSettings",
    "EnhanceSettings",
    "FilmMethod",
    "FilmSettings",
    "FixitySettings",
    "FlowSettings",
    "IiifSettings",
    "IngestSettings",
    "MaintainSettings",
    "MaskChoice",
    "NightlySettings",
    "PatchSettings",
    "PoolType",
    "PublishSettings",
    "QuerySettings",
    "ReportSettings",
    "RestoreSettings",
    "ReviewSettings",
    "RunnerName",
    "RunnerSettings",
    "SampleSettings",
    "ServeSettings",
    "Settings",
    "SimulateSettings",
    "StatusSettings",
    "StyleMethod",
    "StylizeSettings",
    "TextureSettings",
    "TraceSettings",
    "TrainSettings",
    "VerifySettings",
    "WithdrawSettings",
]

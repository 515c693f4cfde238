"""Settings of the flows that make things: from scans to pages and tables."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from artgan.config.base import (
    SCAN_ID,
    ArchiveSettings,
    FailedFraction,
    FeatureWeights,
    FewestWorks,
    FixityDays,
    FlowSettings,
    Preset,
    RequireFid,
    Seed,
    Settings,
    check_scan_ids,
)
from artgan.config.care import FixitySettings
from artgan.config.stylize import StylizeSettings
from artgan.presets import (
    DETECTED,
    DamageClass,
    Enhancer,
    Kind,
    LossName,
    NetworkName,
    SimulationSize,
)

AccessFormat = Literal["jpeg", "pyramid"]
MaskChoice = Literal["delivered", "detected", "all"]
_Part = TypeVar("_Part", bound=Settings)


class IngestSettings(ArchiveSettings):
    """Bring new scans from an inbox into the catalog."""

    inbox: str
    """Inbox: a folder or s3://bucket/prefix with one folder for each collection; only read."""
    max_megapixels: Annotated[float, Field(title="Largest scan, megapixels", gt=0, le=20_000)] = (
        1000
    )
    """Largest scan accepted, in megapixels; larger ones go to quarantine."""
    access_format: AccessFormat = "jpeg"
    """Access copies of new scans: jpeg, or pyramid, which is tiled TIFF for zooming viewers."""
    access_long_side_px: Annotated[
        int, Field(title="Access copies, long side", ge=0, le=100_000)
    ] = 4000
    """Long side of access copies in pixels; smaller scans keep their size, 0 keeps it for all."""
    decode_memory_mb: Annotated[
        int, Field(title="Memory for decoding, MB", ge=500, le=1_000_000)
    ] = 8000
    """Most memory that decoding one scan may use, in MB; a scan that needs more is refused."""
    decode_seconds: Annotated[
        float, Field(title="Time for decoding a page, seconds", ge=1, le=86_400)
    ] = 600
    """Longest that decoding one page may take, in seconds; a page that takes longer is refused."""
    settle_s: Annotated[
        float, Field(title="Seconds between two looks at a new file", ge=0, le=600)
    ] = 2
    """A file that changed a moment ago, or that was refused, is looked at again after so many
    seconds; one that is still being copied waits for the next run. More for slow network shares."""
    fetch_delay_s: Annotated[
        float, Field(title="Pause between requests, seconds", ge=0, le=600)
    ] = 1
    """Pause between two requests to the same server, where iiif.txt in a folder of the inbox names
    IIIF manifests to fetch scans from."""
    fetch_private: Annotated[bool, Field(title="Fetch from the own network")] = False
    """Let manifests name servers of this machine's own network; otherwise only public ones are
    asked."""


class TrainSettings(ArchiveSettings):
    """Train models where the data has changed: an archive-wide base, then each collection."""

    kinds: list[Kind] = ["restoration", "simulation", "style"]
    """Kinds of model to train."""
    preset: Preset = "tiny"
    seed: Seed = 0
    min_works: FewestWorks = 20
    changed_fraction: Annotated[
        float, Field(title="Train again when this fraction changed", gt=0, le=1)
    ] = 0.1
    """Train a collection again when this fraction of its training works changed."""
    changed_works: Annotated[int, Field(title="Train again when this many works changed", ge=1)] = (
        20
    )
    """Train a collection again when this many of its training works changed."""
    base_changed_fraction: Annotated[
        float, Field(title="Train the base again when this fraction changed", gt=0, le=1)
    ] = 0.25
    """Train the base again when this fraction of the archive's training works changed."""
    network: Annotated[NetworkName, Field(title="Simulation: network")] = "skip"
    """Networks of simulation: skip (light, learns from few works), style (styles for each
    resolution, axes and mixing) or dcgan (the textbook's, to compare with)."""
    loss: Annotated[LossName | None, Field(title="Simulation: loss")] = None
    """Adversarial loss of simulation; none means the network's usual one: relativistic with skip,
    which is the steadiest on few works, non-saturating with style and dcgan."""
    size: Annotated[SimulationSize | None, Field(title="Simulation: size")] = None
    """Size of simulation models in place of the preset's: cpu-32 (minutes on two cores),
    draft-128 or paper-256 (for an accelerator)."""
    codes: Annotated[int, Field(title="Simulation: axes to turn", ge=0, le=16)] = 0
    """Axes that the generator learns so that works can be turned along each (InfoGAN)."""
    modes: Annotated[int, Field(title="Simulation: modes to tell apart", ge=0, le=64)] = 0
    """Groups that the generator learns to tell apart by itself (InfoGAN); 0 learns none."""
    by_collection: Annotated[bool, Field(title="Simulation: ask by collection")] = False
    """Teach the base which collection a work is of, so that it makes works of each when asked."""
    frozen: Annotated[int, Field(title="Simulation: levels kept", ge=0, le=8)] = 0
    """Early levels of the discriminator that stay as the base learned them while a collection is
    fine-tuned; 2 or 3 may help collections of few works."""
    privacy_noise: Annotated[float, Field(title="Simulation: privacy, noise", ge=0, le=100)] = 0
    """Train simulations with differential privacy of single pictures, for collections whose works
    are private: noise over the longest gradient of a work, 1 or more. The model card says what that
    promises. It wants thousands of works: of 150 nothing was learned; 0 is no such training."""
    compare: Annotated[bool, Field(title="Simulation: compare with starting from nothing")] = False
    """Train each collection from nothing as well, and lay works of base, scratch and fine-tuned
    model side by side with their distances; whichever is better on held-out works is used."""
    force: Annotated[bool, Field(title="Train in any case")] = False
    """Train even where the data has not changed enough."""
    hardened_codes: Annotated[int, Field(title="Detection: harden, codes", ge=0, le=16)] = 0
    """Teach the detector also by pictures that were changed against it by up to so many codes of
    255. It takes nearly twice as long and finds less, and a short trial (100 steps) made it no
    harder to mislead. 0 does not."""
    weights: FeatureWeights = None

    @model_validator(mode="after")
    def _is_private(self) -> Self:
        others = (self.codes, self.modes, self.by_collection, self.frozen, self.compare)
        if self.privacy_noise and any(others):
            raise ValueError(
                "codes, modes, by_collection, frozen and compare must be left out with "
                f"privacy_noise {self.privacy_noise}, got some of them. They are not accounted for"
            )
        if self.privacy_noise and self.loss in {"relativistic", "wgan-gp"}:
            raise ValueError(
                f"loss must be non-saturating or hinge with privacy_noise, got {self.loss!r}. "
                "Leave it out for the usual one"
            )
        return self


class DetectSettings(ArchiveSettings):
    """Propose damage masks for scans, for a person to look at; nothing is filled by it."""

    scans: Annotated[list[str], Field(title="Scans, by scan_id")] = []
    """Scans to look at, by scan_id or at least its first 8 digits; none means all of the
    collections that came without a mask."""
    classes: Annotated[list[DamageClass], Field(title="Damage to mark", min_length=1)] = list(
        DETECTED
    )
    """Damage to mark. Age cracks (craquelure) are left out unless asked for: they belong to a
    painting. Stain, foxing and grime tint the picture and call for correction, not for filling."""
    sure: Annotated[float, Field(title="Sure from", gt=0, lt=1)] = 0.6
    """A region is marked if the probability of damage reaches this somewhere in it; higher marks
    less."""
    likely: Annotated[float, Field(title="Likely from", gt=0, lt=1)] = 0.35
    """A marked region reaches as far as the probability stays above this; lower marks wider."""
    finer: Annotated[int, Field(title="Look closer, steps", ge=0, le=3)] = 0
    """Steps of looking closer, each at twice the resolution: finds finer scratches and dust, and
    mistakes more brush strokes for damage."""
    broad: Annotated[bool, Field(title="Look for broad losses")] = False
    """Look from afar as well, for losses and fillings an eighth of a work wide and wider: finds
    most of them instead of few, and marks several times as much that is no damage. Models of the
    presets small and base learn it."""
    review_above: Annotated[float, Field(title="Too much to believe, from", gt=0, le=1)] = 0.15
    """A mask that marks more than this fraction of a scan is kept for review and not used."""
    max_failed_fraction: FailedFraction = 0.5

    @model_validator(mode="after")
    def _is_in_order(self) -> "DetectSettings":
        if self.likely > self.sure:
            raise ValueError(
                f"likely must be at most sure, got {self.likely} and {self.sure}. "
                "Lower the one or raise the other"
            )
        check_scan_ids(self.scans)
        return self


class RestoreSettings(ArchiveSettings):
    """Fill the damage of every scan that has a damage mask."""

    masks: Annotated[MaskChoice, Field(title="Masks to fill")] = "delivered"
    """Masks to fill: delivered (drawn by people, corrected ones included), detected (the newest
    that a machine drew of each scan) or all."""
    strength: Annotated[float, Field(title="Strength of the fill", ge=0, le=1)] = 1
    """Part of the fill in what is written, from 0, the scan as it is, to 1."""
    perceptual: Annotated[float, Field(title="Liveliness of the fill", ge=0, le=1)] = 0
    """0 stays nearest to the truth on average, 1 looks liveliest and invents more; between, the
    two networks of a model are blended."""
    scan: Annotated[str | None, Field(title="One scan", pattern=r"^[0-9a-f]{8,64}$")] = None
    """Restore this scan alone: its scan_id or at least the first 8 digits; none means all."""
    mask: Annotated[str | None, Field(title="Corrected mask")] = None
    """A corrected mask for that scan, any picture file of its size, white where damaged; it is
    kept as a mask of its own, and what was made with other masks stays."""
    max_failed_fraction: FailedFraction = 0.5

    @model_validator(mode="after")
    def _mask_needs_scan(self) -> Self:
        if self.mask is not None and self.scan is None:
            raise ValueError(
                f"scan must be given with a corrected mask, got none for {self.mask!r}. Name the "
                "scan that it belongs to"
            )
        return self


class EnhanceSettings(ArchiveSettings):
    """Correct tone, noise or size of whole scans, in files of their own."""

    tone: Annotated[bool, Field(title="Correct tone")] = False
    """Undo yellowed varnish and fading by fifteen numbers, which stand in the report and can be
    undone; no detail is made or lost."""
    tone_strength: Annotated[float, Field(title="Tone, strength", ge=0, le=1)] = 1.0
    """How much of the correction of tone is made, 0 to 1."""
    denoise: Annotated[bool, Field(title="Remove noise and blur")] = False
    """Remove noise, slight blur and traces of JPEG; too strong, it takes brushwork with them."""
    denoise_strength: Annotated[float, Field(title="Noise and blur, strength", ge=0, le=1)] = 0.5
    """How much of the correction of noise and blur is made, 0 to 1."""
    upscale: Annotated[bool, Field(title="Enlarge")] = False
    """Enlarge; the added detail is likely, not seen."""
    upscale_strength: Annotated[float, Field(title="Enlargement, strength", ge=0, le=1)] = 1.0
    """How much of the network's detail is added to the bicubic enlargement, 0 to 1."""
    factor: Annotated[Literal[2, 4], Field(title="Enlarge by")] = 2
    """How many times as wide and high an enlargement is."""
    source: Annotated[Literal["scan", "restored"], Field(title="What to enhance")] = "scan"
    """The scans, or their newest restored files; then scans without one are left out."""
    scans: Annotated[list[str], Field(title="Scans, by scan_id")] = []
    """Scans to enhance, by scan_id or at least its first 8 digits; none means every work."""
    max_failed_fraction: FailedFraction = 0.5

    @model_validator(mode="after")
    def _does_something(self) -> "EnhanceSettings":
        if not (self.tone or self.denoise or self.upscale):
            raise ValueError(
                "tone, denoise or upscale must be chosen, got none of them. Switch on what is "
                "to be done, for example with --tone"
            )
        for one in self.scans:
            if not SCAN_ID.fullmatch(one):
                raise ValueError(f"scans must hold 8 to 64 hex digits each, got {one!r}")
        return self


class SimulateSettings(ArchiveSettings):
    """Make new works in the manner of each collection, and show what the model knows."""

    works: Annotated[int, Field(title="Works to make", ge=1, le=10_000)] = 36
    """Works to make for each collection."""
    seed: Annotated[int, Field(ge=0)] = 0
    """First seed; each work has a seed of its own that reproduces it."""
    truncation: Annotated[float, Field(title="Variety", ge=0, le=1)] = 1.0
    """1 is the variety that was learned; less draws works towards the usual one, with fewer
    surprises and fewer failures. Numbers in the report are always of 1."""
    film_s: Annotated[float, Field(title="Film, seconds", ge=0, le=120)] = 0
    """Seconds of a film that passes from work to work, as animated WebP; 0 makes none."""
    axes: Annotated[bool, Field(title="Sheet of axes")] = False
    """A sheet that turns one work along each axis of the model: its codes if it learned any,
    otherwise the directions in which it varies most."""
    project: Annotated[list[str], Field(title="Scans to look for in the model")] = []
    """Scans, by scan_id or at least its first 8 digits, for each of which the nearest work that
    the model can make is looked for and laid beside it."""

    @model_validator(mode="after")
    def _names_scans(self) -> Self:
        check_scan_ids(self.project)
        return self


class ReportSettings(ArchiveSettings):
    """Measure the models in use and write the report pages."""

    weights: FeatureWeights = None
    require_fid: RequireFid = False
    samples: Annotated[int, Field(title="Generated works measured", ge=50, le=50_000)] = 256
    """Generated works measured for each collection."""
    crops: Annotated[int, Field(title="Damaged crops measured", ge=8, le=10_000)] = 72
    """Damaged crops of held-out works measured for each collection."""
    hardened_codes: Annotated[
        int, Field(title="Harden the network that tells collections, codes", ge=0, le=16)
    ] = 0
    """Train the archive's own network against changes of so many codes of 255 as well, and measure
    by that one: it is harder to mislead, and tells a little less. 0 does not."""


class IiifSettings(ArchiveSettings):
    """Write IIIF image tiles and manifests, for any viewer, as files for a plain web server."""

    base_url: Annotated[str, Field(title="Address", pattern=r"^https?://[^\s?#]+$")]
    """Address at which the folder iiif of the archive will be served, for example
    https://iiif.example.org/archive; addresses inside the files begin with it."""
    resolution: Literal["access", "full"] = "access"
    """What tiles are cut from: access copies, or the scans themselves at full resolution."""
    tile_px: Annotated[int, Field(title="Tile, pixels", ge=128, le=2048)] = 1024
    """Side of a tile in pixels; smaller tiles show sooner, larger ones are fewer files."""
    full_px: Annotated[int, Field(title="Whole picture, pixels", ge=2048, le=65_500)] = 3000
    """Long side of the largest whole picture offered; tiles always have every pixel."""
    protection: Annotated[int, Field(title="Make imitation harder, codes", ge=0, le=8)] = 0
    """Change the published pictures, never scans or access copies, by up to so many codes of 255 so
    that a network sees another style in them. 8 show on even ground. Painters that trained
    long enough were not hindered, and published attacks remove it. Do not rely on it; 0 is none."""
    weights: FeatureWeights = None
    publisher: str | None = None
    """Institution named in viewers as the source; none names nobody."""
    publisher_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Home page of that institution."""
    max_failed_fraction: FailedFraction = 0.5

    @model_validator(mode="after")
    def _protects_access_copies(self) -> Self:
        if self.protection and self.resolution == "full":
            raise ValueError(
                f"protection must be 0 where scans are shown at full resolution, got "
                f"{self.protection}. Publish access copies, or leave it out"
            )
        return self


class PublishSettings(FlowSettings):
    """Write plain Parquet snapshots of the catalog."""


class NightlySettings(IngestSettings):
    """Do all that is new: ingest, train, restore, simulate, stylize, fixity, report, publish."""

    preset: Preset = "tiny"
    seed: Seed = 0
    min_works: FewestWorks = 20
    simulated_works: Annotated[
        int, Field(title="Works to simulate for each collection", ge=1, le=10_000)
    ] = 36
    """Works to simulate for each collection."""
    stylized_contents: Annotated[
        int, Field(title="Works to render in each style", ge=1, le=100_000)
    ] = 12
    """Works of other collections to render in each style."""
    propose_masks: Annotated[bool, Field(title="Also propose damage masks")] = False
    """Also train the detector, and propose damage masks for scans that came without one; they wait
    for a person, and nothing is filled by them."""
    enhancements: Annotated[list[Enhancer], Field(title="Also enhance")] = []
    """Also train what is named here, and make an enhanced file of every work by all of it together,
    at the usual strengths: tone, denoise (noise and blur), upscale (twice the size). Collections
    for which one of these models is not in use are left out."""
    fixity_days: FixityDays = 90
    """Days in which every file is read again and compared once; a night does its share."""
    weights: FeatureWeights = None
    require_fid: RequireFid = False

    def ingest(self) -> IngestSettings:
        """Return the settings of the night's ingest."""
        return self._part(IngestSettings)

    def train(self) -> TrainSettings:
        """Return the settings of the night's training."""
        kinds = [*TrainSettings.model_fields["kinds"].default, *self.enhancements]
        return self._part(TrainSettings, kinds=[*kinds, *["detection"] * self.propose_masks])

    def detect(self) -> DetectSettings:
        """Return the settings of the night's proposals of damage masks, if it makes any."""
        return self._part(DetectSettings)

    def restore(self) -> RestoreSettings:
        """Return the settings of the night's restoration."""
        return self._part(RestoreSettings)

    def enhance(self) -> EnhanceSettings:
        """Return the settings of the night's enhancement, if there is one."""
        return self._part(EnhanceSettings, **dict.fromkeys(self.enhancements, True))

    def simulate(self) -> SimulateSettings:
        """Return the settings of the night's simulation."""
        return self._part(SimulateSettings, works=self.simulated_works)

    def stylize(self) -> StylizeSettings:
        """Return the settings of the night's stylization."""
        return self._part(StylizeSettings, contents=self.stylized_contents)

    def fixity(self) -> FixitySettings:
        """Return the settings of the night's share of fixity checks."""
        return self._part(FixitySettings, days_for_all=self.fixity_days)

    def report(self) -> ReportSettings:
        """Return the settings of the night's report."""
        return self._part(ReportSettings)

    def publish(self) -> PublishSettings:
        """Return the settings of the night's publication."""
        return self._part(PublishSettings)

    def _part(self, part: type[_Part], **named_otherwise: object) -> _Part:
        """Fill a flow's settings with ours of the same names."""
        ours = {name: value for name, value in self if name in part.model_fields}
        return part.model_validate(ours | named_otherwise)

"""Settings of the flow that renders works in a style."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from artgan.config.base import ArchiveSettings, FailedFraction, FeatureWeights, check_scan_ids

StyleMethod = Literal["color", "cut", "cyclegan", "fast", "multi", "adain", "optim"]


class StylizeSettings(ArchiveSettings):
    """Render works of other collections in the manner of each collection, or one in that of one."""

    collections: Annotated[list[str], Field(title="Styles")] = []
    """Collections in whose manner works are rendered, by name; none means all of them."""
    contents_from: Annotated[list[str], Field(title="Works from collections")] = []
    """Collections whose works are rendered, by name; none means all but the style's own."""
    contents: Annotated[int, Field(title="Works for each style", ge=1, le=100_000)] = 12
    """Works to render in each style, held-out works first, taken in turn from the collections."""
    methods: Annotated[list[StyleMethod], Field(min_length=1)] = ["color", "cut", "fast"]
    """Stylizers: color transfers the palette in closed form; cut, cyclegan and fast are networks
    trained for a collection, multi is one for all collections, adain one for any style; optim fits
    each picture by itself, slowly."""
    scan: Annotated[str | None, Field(title="One work", pattern=r"^[0-9a-f]{8,64}$")] = None
    """Render this work alone: its scan_id or at least the first 8 digits; none means many."""
    style_scans: Annotated[list[str], Field(title="Style works, by scan_id")] = []
    """Take the style from these works, blended, instead of from whole collections; for color, adain
    and optim."""
    blend_with: Annotated[list[str], Field(title="Blend with collections (multi)")] = []
    """For multi: mix the manner of each style with that of these collections, by name."""
    style_shares: Annotated[list[float], Field(title="Shares in the blend")] = []
    """Share of each style work in the blend, in the same order; or of the style's own collection
    and then of each that it is blended with. None means equal ones."""
    content: Annotated[str | None, Field(title="Works, as a condition")] = None
    """Render only works that fit a condition on the table scans, in SQL; for example
    collection='van_gogh' and year_from>1888."""
    style: Annotated[str | None, Field(title="Style works, as a condition")] = None
    """Take the style only from works of each collection that fit a condition on the table scans;
    for color, adain and optim."""
    resolution: Literal["access", "full"] = "access"
    """access renders access copies as PNG; full renders the scans at full size as TIFF, and keeps
    depth, profile and alpha."""
    long_side_px: Annotated[int, Field(title="Long side, pixels", ge=32, le=4096)] = 512
    """Long side of results from access copies, in pixels; smaller works keep their size."""
    strength: Annotated[float, Field(ge=0, le=1)] = 1
    """How much of the style there is in the result, from 0, the work as it is, to 1."""
    keep_colours: Annotated[bool, Field(title="Keep the work's colours")] = False
    """Take only light and dark from the style, and the colours of the work."""
    regions: Annotated[str | None, Field(title="Mask of regions")] = None
    """For one work: a picture file of its scan's size, white where it takes the style, black where
    it stays as it is, grey where the two mix; none means everywhere."""
    style_scale: Annotated[float, Field(title="Size of strokes (optim)", gt=0, le=4)] = 1
    """For optim: size of the style works beside the result; smaller makes finer strokes."""
    steps: Annotated[int, Field(title="Steps (optim)", ge=1, le=5000)] = 100
    """For optim: steps at each of its scales; more comes nearer to the style."""
    start: Annotated[Literal["content", "noise"], Field(title="Start (optim)")] = "content"
    """For optim: start from the work in the style's colours, or from noise, which frees it more."""
    seed: Annotated[int, Field(title="Seed (optim)", ge=0)] = 0
    """For optim: seed of that noise."""
    weights: FeatureWeights = None
    max_failed_fraction: FailedFraction = 0.5

    @model_validator(mode="after")
    def _styles_fit(self) -> Self:
        check_scan_ids(self.style_scans)
        shares = self.style_shares
        parts = 1 + len(self.blend_with) if self.blend_with else len(self.style_scans)
        if shares and (len(shares) != parts or min(shares) <= 0):
            raise ValueError(
                "style_shares must be one positive number for each style work, or for the style "
                f"and each collection that it is blended with, got {shares} for {parts}. Leave "
                "them out for equal shares"
            )
        if self.blend_with and (self.style_scans or self.style):
            raise ValueError(
                "blend_with must be left out when style works are chosen, got both. Blend works, "
                "or whole collections"
            )
        if self.regions is not None and self.scan is None:
            raise ValueError(
                f"scan must be given with regions, got none for {self.regions!r}. Name the work "
                "that the mask belongs to"
            )
        if self.style_scans and self.style:
            raise ValueError(
                "style_scans or style must be left out, got both. Name works, or give a condition"
            )
        return self

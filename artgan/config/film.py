"""Settings of the flow that renders films in a style."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from artgan.config.base import ArchiveSettings
from artgan.config.stylize import StylizeSettings

FilmMethod = Literal["color", "cut", "cyclegan", "fast", "multi", "adain"]


class FilmSettings(ArchiveSettings):
    """Render a film in the manner of each collection, steadily, with its sound."""

    collections: Annotated[list[str], Field(title="Styles")] = []
    """Collections in whose manner the film is rendered, by name; none means all of them."""
    video: Annotated[str | None, Field(title="Film")] = None
    """The film: a file of the machine that does the work, or s3://bucket/key; whatever FFmpeg
    reads."""
    pan: Annotated[
        str | None, Field(title="Or a work to pan over", pattern=r"^[0-9a-f]{8,64}$")
    ] = None
    """In place of a film, a camera that passes over this work: its scan_id or at least the first 8
    digits."""
    pan_s: Annotated[float, Field(title="Length of the pan, seconds", gt=0, le=120)] = 6
    """How long the camera takes."""
    methods: Annotated[list[FilmMethod], Field(min_length=1)] = ["color"]
    """Stylizers: color transfers the palette in closed form; cut, cyclegan and fast are networks
    trained for a collection, multi is one for all collections, adain one for any style."""
    style_scans: Annotated[list[str], Field(title="Style works, by scan_id")] = []
    """Take the style from these works, blended, instead of from whole collections; for color and
    adain."""
    style_shares: Annotated[list[float], Field(title="Shares in the blend")] = []
    """Share of each style work in the blend, in the same order; none means equal ones."""
    style: Annotated[str | None, Field(title="Style works, as a condition")] = None
    """Take the style only from works of each collection that fit a condition on the table scans;
    for color and adain."""
    strength: Annotated[float, Field(ge=0, le=1)] = 1
    """How much of the style there is in the result, from 0, the film as it is, to 1."""
    keep_colours: Annotated[bool, Field(title="Keep the film's colours")] = False
    """Take only light and dark from the style, and the colours of the film."""
    steadiness: Annotated[float, Field(ge=0, lt=1)] = 0.7
    """How much of each frame is carried over from the one before it, along the motion; more is
    steadier and smoother, 0 renders frames by themselves."""
    long_side_px: Annotated[int, Field(title="Long side, pixels", ge=0, le=8192)] = 1280
    """Long side of the result in pixels; smaller films keep their size, 0 keeps it for all."""

    @model_validator(mode="after")
    def _is_one_film(self) -> Self:
        if (self.video is None) == (self.pan is None):
            given = "neither" if self.video is None else "both"
            raise ValueError(
                f"video or pan must be given, one of them, got {given}. Name a film, or a work to "
                "pan over"
            )
        self.styles()
        return self

    def styles(self) -> StylizeSettings:
        """Return what these settings say of styles, as the flow of pictures says it."""
        shared = StylizeSettings.model_fields.keys() & type(self).model_fields.keys()
        return StylizeSettings(**{name: getattr(self, name) for name in shared - {"long_side_px"}})

"""Settings of the flow that makes textures."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from artgan.config.base import FeatureWeights, FlowSettings, check_scan_ids


class TextureSettings(FlowSettings):
    """Make textures from one work or a few: tiles without end in both directions, of any size."""

    scans: Annotated[list[str], Field(title="Works, by scan_id", min_length=1, max_length=8)]
    """Works that the texture is made of, by scan_id or at least its first 8 digits."""
    box: Annotated[list[float], Field(title="Part of the works")] = []
    """The same part of each work: left, top, right and bottom as fractions of its width and
    height, for example 0.2,0.5,0.6,0.9; none means the whole work. Parts that look alike all
    over, such as brushwork, water or paper, make the best textures."""
    detail_px: Annotated[int, Field(title="Detail, pixels", ge=32, le=384)] = 128
    """Parts are reduced to as many pixels as a square of this side has; more keeps finer detail
    and takes longer, by the square."""
    width_px: Annotated[int, Field(title="Width, pixels", ge=128, le=8192)] = 512
    """Width of a tile in pixels."""
    height_px: Annotated[int, Field(title="Height, pixels", ge=128, le=8192)] = 512
    """Height of a tile in pixels."""
    tiles: Annotated[int, Field(title="Tiles to make", ge=1, le=1000)] = 1
    """Tiles to make, each from a seed of its own."""
    seed: Annotated[int, Field(ge=0)] = 0
    """First seed; the same seed makes the same tile."""
    steps: Annotated[int, Field(title="Steps of learning", ge=0, le=10_000)] = 100
    """Steps of learning how a texture is sketched, so that it has of everything as much as the
    works have; 0 sketches by likeness alone, and then some of it comes again and again."""
    weights: FeatureWeights = None

    @model_validator(mode="after")
    def _part_is_one(self) -> Self:
        check_scan_ids(self.scans)
        if self.box:
            left, top, right, bottom = self.box if len(self.box) == 4 else (1, 1, 0, 0)
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise ValueError(
                    "box must hold left, top, right and bottom as fractions in that order, got "
                    f"{self.box}. For example 0.2,0.5,0.6,0.9"
                )
        return self

"""Enhancement of a file: from the scan's file to a TIFF that keeps its depth, profile and size."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyvips

from artgan.enhance.chain import Chain
from artgan.enhance.rows import look_at_image
from artgan.enhance.scan import TILE_PX, Account, enhance_image
from artgan.enhance.thumbnail import Look
from artgan.enhance.tone import choose_tone, mean_difference
from artgan.imaging.decode import SourceEncoding, check_tiles, decode, own_pixels
from artgan.imaging.scan_file import ScanPage, broken
from artgan.imaging.write import write_tiff
from artgan.models.finisher import Denoiser, Upscaler
from artgan.models.tone import UNTONED, ToneNetwork, ToneNumbers

_MAX_PIXELS = 20_000_000_000
_MOST_CLIPPED = 0.01
_FAR_DELTA_E00 = 15.0


@dataclass(frozen=True)
class Networks:
    """The networks of the operators that were chosen; None for those that were not."""

    denoiser: Denoiser | None = None
    tone: ToneNetwork | None = None
    upscaler: Upscaler | None = None


@dataclass(frozen=True)
class Enhancement:
    """An enhanced file, and the account of it.

    Attributes:
        path: The TIFF, a local file.
        width_px: Its width.
        height_px: Its height.
        encoding: What it took over from the source, with the resolution of its new size.
        profile: Name of the profile whose values the networks saw; None is sRGB.
        is_grey: Whether the source is grey, and so the result.
        tone: Numbers as they were applied; None where tone was not asked for.
        chain: What was done.
        account: What was counted.
        delta_e00: Mean difference of source and result by their thumbnails.
    """

    path: Path
    width_px: int
    height_px: int
    encoding: SourceEncoding
    profile: str | None
    is_grey: bool
    tone: ToneNumbers | None
    chain: Chain
    account: Account
    delta_e00: float

    @property
    def bit_depth(self) -> int:
        """Bits of a channel."""
        return self.encoding.bit_depth

    @property
    def changed_pixels(self) -> int | None:
        """Pixels that differ from the source; None where it has another size."""
        return self.account.changed_pixels if self.chain.factor == 1 else None

    @property
    def assessment(self) -> str:
        """``needs_review``: far from the source or cut off; ``conjectural``: detail was added."""
        clipped = self.account.clipped_pixels / (self.width_px * self.height_px)
        if clipped > _MOST_CLIPPED or self.delta_e00 > _FAR_DELTA_E00:
            return "needs_review"
        return "conjectural" if self.chain.upscaler is not None else "ok"

    def facts(self) -> dict[str, Any]:
        """Return the account as JSON holds it."""
        only_tone = self.chain.is_only_tone
        undone = {
            "tried_pixels": self.account.undone_pixels,
            "largest_error": self.account.undone_error,
        }
        return {
            "assessment": self.assessment,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "bit_depth": self.bit_depth,
            "dpi": self.encoding.dpi,
            "profile": self.profile,
            "converted_to_srgb": self.encoding.converted,
            "is_grey": self.is_grey,
            "tile_px": TILE_PX,
            "halo_px": self.chain.halo_px,
            "changed_pixels": self.changed_pixels,
            "clipped_pixels": self.account.clipped_pixels,
            "mean_delta_e00": round(self.delta_e00, 3),
            "undone": undone if only_tone else None,
        }


def enhance_file(  # noqa: PLR0913 -- what is read, what is done, and where it goes
    source: Path,
    page: int,
    networks: Networks,
    operators: Mapping[str, Mapping[str, Any]],
    *,
    folder: Path,
    xmp: bytes | None = None,
    tile_px: int = TILE_PX,
) -> Enhancement:
    """Enhance one page of a file.

    The file is read twice: for a first look, which gives the numbers of tone, and for the work.

    Args:
        source: The scan, or a restored file.
        page: Page of a TIFF, from 1.
        networks: One for each operator.
        operators: ``denoise``, ``tone``, ``upscale``: those to apply, each with its ``strength``,
            the last with its ``factor``.
        folder: For the pixels and the result; needs room for both.
        xmp: Packet to embed.
        tile_px: Side of a tile; see `enhance_image`.

    Raises:
        RefusedScan: The file cannot be decoded whole.
        InvalidInputError: The disk has too little room.
    """
    scan = decode(source, _MAX_PIXELS, page=page)
    image, encoding = own_pixels(scan)
    look = _read(scan.page, lambda: look_at_image(image))
    check_tiles(scan)
    tone = _tone(networks, operators, look)
    chain = _chain(networks, operators, tone)
    again, _ = own_pixels(decode(source, _MAX_PIXELS, page=page))
    raw = folder / "pixels.raw"
    canvas, account = _read(
        scan.page,
        lambda: enhance_image(again, chain, raw, is_grey=look.is_grey, tile_px=tile_px),
    )
    encoding = replace(encoding, dpi=encoding.dpi and encoding.dpi * chain.factor)
    path = folder / "enhanced.tif"
    write_tiff(path, canvas.image(), encoding, xmp)
    after = look_at_image(canvas.image()).thumbnail
    raw.unlink()
    height, width, _ = canvas.shape
    return Enhancement(
        path=path,
        width_px=width,
        height_px=height,
        encoding=encoding,
        profile=scan.icc_name if encoding.icc else None,
        is_grey=look.is_grey,
        tone=tone,
        chain=chain,
        account=account,
        delta_e00=mean_difference(look.thumbnail, after),
    )


def _read(page: ScanPage, work: Any) -> Any:  # noqa: ANN401 -- returns what the work returns
    try:
        return work()
    except pyvips.Error as error:
        raise broken(page, error) from error


def _tone(
    networks: Networks, operators: Mapping[str, Mapping[str, Any]], look: Look
) -> ToneNumbers | None:
    if networks.tone is None:
        return None
    strength = operators["tone"]["strength"]
    return choose_tone(networks.tone, look.thumbnail, strength, is_grey=look.is_grey)


def _chain(
    networks: Networks, operators: Mapping[str, Mapping[str, Any]], tone: ToneNumbers | None
) -> Chain:
    denoise, upscale = operators.get("denoise", {}), operators.get("upscale", {})
    return Chain(
        denoiser=networks.denoiser,
        denoise_strength=denoise.get("strength", 0.0),
        tone=UNTONED if tone is None else tone,
        upscaler=networks.upscaler,
        upscale_strength=upscale.get("strength", 0.0),
        factor=upscale.get("factor", 1),
    )

"""Digitisation guidelines: which rules a scan breaks, as far as its file alone can tell.

A file tells its format, compression, profile, depth and stated resolution. What needs a picture of
a technical target or the object is outside: tone reproduction, gain modulation, white balance,
colour accuracy, evenness of light, noise, spatial frequency response, geometry, and whether the
stated resolution is true. So all of ISO 19264-1 is outside: it measures targets and asks nothing
of the file. Outside is also whether a JPEG 2000 file is lossless.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]

_METAMORFOZE = "Metamorfoze Preservation Imaging Guidelines 1.0 (van Dormolen 2012)"
_METAMORFOZE_2 = "Metamorfoze Preservation Imaging Guidelines 2.0, draft of June 2023"
_FADGI = "FADGI Technical Guidelines, 3rd edition (2023), general collections"
_RGB_CHANNELS = 3


@dataclass(frozen=True)
class Rule:
    """A rule that a file alone can break.

    Attributes:
        code: Name in the column ``nonconformities``; begins with the name of the guideline.
        source: Guideline it comes from, with edition.
        sentence: What a file must be.
        holds: Whether it holds, told from columns of the scans table.
    """

    code: str
    source: str
    sentence: str
    holds: Callable[[Facts], bool]


def _is_uncompressed_tiff_or_jp2(scan: Facts) -> bool:
    is_plain = scan["format"] == "tiff" and scan["compression"] == "none"
    return is_plain or scan["format"] == "jp2"


def _is_tiff_or_jp2(scan: Facts) -> bool:
    return scan["format"] in {"tiff", "jp2"}


def _is_8_or_16_bit(scan: Facts) -> bool:
    return scan["bit_depth"] in {8, 16}


def _has_profile(*names: str) -> Callable[[Facts], bool]:
    """Return a check of the profile's name, which makers write with and without spaces."""
    wanted = tuple(_plain(name) for name in names)
    return lambda scan: _plain(scan["icc_name"] or "").startswith(wanted)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _has_resolution(least_dpi: float) -> Callable[[Facts], bool]:
    return lambda scan: min(scan["dpi"] or 0.0, scan["dpi_vertical"] or 0.0) >= least_dpi


def _fadgi_resolution(stars: int, aim_ppi: int, tolerance_percent: int) -> Rule:
    least = aim_ppi * (100 - tolerance_percent) / 100
    return Rule(
        f"fadgi_{stars}_star_resolution",
        _FADGI,
        f"States at least {least:g} ppi both ways ({aim_ppi} less {tolerance_percent} %).",
        _has_resolution(least),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "metamorfoze_format",
        _METAMORFOZE,
        "Is an uncompressed TIFF or a JPEG 2000 file.",
        _is_uncompressed_tiff_or_jp2,
    ),
    Rule(
        "metamorfoze_profile",
        _METAMORFOZE,
        "Embeds the profile eciRGB v2 or Adobe RGB (1998).",
        _has_profile("eciRGB v2", "Adobe RGB (1998)"),
    ),
    Rule(
        "metamorfoze_depth",
        _METAMORFOZE,
        "Is RGB with 8 or 16 bits for each channel.",
        lambda scan: _is_8_or_16_bit(scan) and scan["channels"] == _RGB_CHANNELS,
    ),
    Rule(
        "metamorfoze_resolution",
        _METAMORFOZE_2,
        "States at least 300 ppi both ways.",
        _has_resolution(300),
    ),
    Rule("fadgi_format", _FADGI, "Is a TIFF or a JPEG 2000 file.", _is_tiff_or_jp2),
    Rule(
        "fadgi_profile",
        _FADGI,
        "Embeds the profile sRGB, Adobe RGB (1998), ProPhoto RGB, eciRGB v2 or Gray Gamma 2.2.",
        _has_profile("sRGB", "Adobe RGB (1998)", "ProPhoto", "eciRGB v2", "Gray Gamma 2.2"),
    ),
    Rule("fadgi_depth", _FADGI, "Has 8 or 16 bits for each channel.", _is_8_or_16_bit),
    _fadgi_resolution(4, 400, 1),
    _fadgi_resolution(3, 300, 2),
    _fadgi_resolution(2, 250, 3),
    _fadgi_resolution(1, 200, 5),
)


def nonconformities(scan: Facts) -> list[str]:
    """Return the codes of the rules that a scan breaks, in the order of `RULES`.

    Args:
        scan: format, compression, icc_name, bit_depth, channels, dpi and dpi_vertical, as in the
            scans table. A resolution that is not stated breaks the rules on resolution.
    """
    return [rule.code for rule in RULES if not rule.holds(scan)]

"""What a restored file is worth as evidence, by rules that are written down here.

It is no review by a person: that is a decision of its own, which these words prepare.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from artgan.restore.regions import Region

Status = Literal["ok", "conjectural", "needs_review"]
STATUSES: tuple[Status, ...] = get_args(Status)

CONJECTURE_SIDES = 32
"""A hole is conjecture where its middle is farther from known paint than this part of the short
side: a whole eye, hand or letter fits into it, and the model does not know which it was."""
MOST_MASKED = 0.15
"""Largest share of a scan that may be filled without a person looking at it."""


@dataclass(frozen=True)
class Assessment:
    """A status and the sentences that explain it.

    Attributes:
        status: ``needs_review`` before ``conjectural`` before ``ok``.
        reasons: One sentence for each rule that applies; none for ``ok``.
        conjectural: Numbers of the regions that are conjecture, from 1.
    """

    status: Status
    reasons: list[str]
    conjectural: list[int]


def assess(regions: Sequence[Region], size: tuple[int, int], mask_origin: str) -> Assessment:
    """Judge a restoration.

    Args:
        regions: What was filled, in the order of the report.
        size: Height and width of the scan.
        mask_origin: Who drew the mask: ``delivered``, ``edited`` or ``detected``.
    """
    deepest_px = conjecture_depth_px(size)
    guessed = [n for n, one in enumerate(regions, 1) if one.depth_px > deepest_px]
    share = sum(one.area_px for one in regions) / (size[0] * size[1])
    look, guess = [], []
    if mask_origin == "detected":
        look.append("The mask was detected by a machine: compare it with the scan, and correct it.")
    if share > MOST_MASKED:
        look.append(
            f"{share:.0%} of the scan was filled, more than {MOST_MASKED:.0%}: see that the mask "
            "marks damage and nothing else."
        )
    if guessed:
        guess.append(
            f"{len(guessed)} of {len(regions)} regions are deeper than {deepest_px:.0f} px (the "
            f"short side / {CONJECTURE_SIDES}): what they show is a guess."
        )
    status: Status = "needs_review" if look else "conjectural" if guess else "ok"
    return Assessment(status, look + guess, guessed)


def conjecture_depth_px(size: tuple[int, int]) -> float:
    """Return the depth from which a hole in a scan (H, W) is conjecture."""
    return min(size) / CONJECTURE_SIDES

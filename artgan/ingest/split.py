"""The split of a work, decided once and for all by its duplicate group."""

from typing import Literal

from artgan.keys import digest

Split = Literal["train", "val", "test"]

_SALT = "split-1"
_TRAIN, _VAL = 60, 80


def split_of(group: str) -> Split:
    """Return the split of a duplicate group: 60 % train, 20 % val, 20 % test.

    All scans of a work share a group, so no work is in two splits; other works coming or going
    never move it.

    Args:
        group: Name of the duplicate group.
    """
    place = int(digest(_SALT, group), 16) % 100
    if place < _TRAIN:
        return "train"
    return "val" if place < _VAL else "test"

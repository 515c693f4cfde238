"""What is said of each class of damage: from when its mask counts, and what it is called."""

from artgan.presets import DAMAGE_CLASSES, DamageClass

_COVERED = 0.15
_TINTED: dict[DamageClass, float] = {"stain": 0.06, "foxing": 0.08, "grime": 0.12}
VISIBLE: dict[DamageClass, float] = {kind: _TINTED.get(kind, _COVERED) for kind in DAMAGE_CLASSES}
"""How much a class must change a pixel before its mask says so, as a fraction of 1.

A filler that is not told of a half-covered rim spreads it into the hole, so this is low.
"""

WORDS: dict[DamageClass, str] = {
    "craquelure": "age cracks",
    "losses": "paint losses",
    "tear": "tears",
    "scratches": "scratches",
    "dust": "dust and hairs",
    "strokes": "fillings, overpaint, abrasion",
    "stain": "stains and tide lines",
    "foxing": "foxing",
    "grime": "grime",
}
"""The classes in a reader's words."""

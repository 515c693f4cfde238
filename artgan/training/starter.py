"""The filler that comes with artgan, so that a first run is ahead of the classical methods.

It learned on generated works alone (``artgan.sample.starter`` makes it again) and never saw a scan.
An archive takes it over as its base until it has trained one of its own; from then on the two are
compared on held-out works like any other models.
"""

import hashlib
import json
from typing import Any

from artgan.catalog.models import BASE, CARD, STARTER, WEIGHTS
from artgan.keys import set_digest
from artgan.models.checkpoint import unpack_weights
from artgan.storage import Store
from artgan.training.shipped import starter_bytes


def install(store: Store) -> dict[str, Any]:
    """Lay the starter's files into an archive; return what its row in ``models`` says.

    Args:
        store: Archive root.

    Returns:
        The columns that a training would have written.
    """
    weights = starter_bytes()
    sha256 = hashlib.sha256(weights).hexdigest()
    _, settings = unpack_weights(weights)
    folder = f"models/{BASE}/restoration/{sha256[:20]}"
    made = settings.pop("made")
    model = {
        "model_id": sha256[:20],
        "kind": "restoration",
        "collection": BASE,
        "base_model_id": None,
        "preset": STARTER,
        "settings_json": json.dumps(settings, sort_keys=True),
        "training_sha256": set_digest([]),
        "training_scans": [],
        **made,
        "incumbent_value": None,
        "promoted": True,
        "reason": f"comes with artgan: learned on {made['n_train']} generated works",
        "weights_path": f"{folder}/{WEIGHTS}",
        "weights_sha256": sha256,
    }
    store.write(f"{folder}/{WEIGHTS}", weights)
    store.write(f"{folder}/{CARD}", json.dumps(model, indent=1).encode())
    return model

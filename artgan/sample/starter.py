"""``python -m artgan.sample.starter``: train the filler that comes with artgan again.

Learns on the sample archive's generated works, so that the weights are free of anybody's rights,
and takes a quarter of an hour of two cores. Writes 16-bit floats: half the size, and no difference
that a picture of 8 bits shows. The file of 0.3.0 learned before works with names in capitals were
read, so the command makes a somewhat different one now.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import numpy as np

from artgan.errors import ArtganError
from artgan.imaging.read import read_rgb
from artgan.models.checkpoint import pack_weights
from artgan.presets import PRESETS
from artgan.sample.archive import write_sample
from artgan.training.loop import train, training_device
from artgan.training.restoration import build
from artgan.training.shipped import FILE

SEED = 2024  # not the sample archive's own, whose works it would know otherwise
WORKS = 80
HELD_OUT = 24
STEPS = 3000
_PICTURES = {".jpg", ".png", ".tif"}


def remake(
    works: int = WORKS, steps: int = STEPS, say: Callable[[str], None] = lambda _: None
) -> bytes:
    """Train the starter; return its packed weights.

    Args:
        works: Generated works of each of the three collections.
        steps: Steps of the training.
        say: Called with a line on how it is going.
    """
    preset = PRESETS["tiny"].restoration
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), seed=SEED, works=works)
        pictures = _pictures(Path(folder), preset.short_side_px)
    held_out, kept = pictures[:HELD_OUT], pictures[HELD_OUT:]
    trainee = build(kept, held_out, preset, steps, SEED, None)
    started = time.monotonic()

    history = train(
        trainee,
        steps,
        SEED,
        load_state=lambda: None,
        save_state=lambda _: None,
        validate_at=[0, steps // 4, steps // 2, steps],
        observe=lambda one: say(f"step {one.step} of {one.steps}, {one.left_s:.0f} s left"),
    )
    made = {
        "n_train": len(kept),
        "n_val": len(held_out),
        "steps": steps,
        "seconds": time.monotonic() - started,
        "metric": "hole_psnr_db",
        "value": history[-1]["hole_psnr_db"],
        "history_json": json.dumps(history),
        "device": training_device().type,
    }
    settings = {"kind": "restoration", "preset": asdict(preset), "seed": SEED, "steps": steps}
    networks = {name: trainee.networks[name].half() for name in trainee.publish}
    return pack_weights(networks, settings | {"made": made})


def _pictures(inbox: Path, short_side_px: int) -> list[np.ndarray]:
    """Read generated works in an order of chance, without broken files."""
    found = []
    for path in sorted(inbox.rglob("*")):
        if path.suffix.lower() not in _PICTURES or path.name.endswith(".mask.png"):
            continue
        try:
            found.append(read_rgb(path.read_bytes(), short_side_px))
        except ArtganError:
            continue
    order = np.random.default_rng(SEED).permutation(len(found))
    return [found[number] for number in order]


def main() -> None:
    """Write the file into the package."""
    weights = remake(say=lambda line: print(line, file=sys.stderr))  # noqa: T201 -- a command
    target = Path(str(files("artgan.training") / FILE))
    target.write_bytes(weights)
    sys.stdout.write(f"{target}: {len(weights):,} bytes\n")


if __name__ == "__main__":
    main()

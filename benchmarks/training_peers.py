"""Measure how fast two published packages train works of 256 pixels beside the preset paper-256.

    python benchmarks/training_peers.py --quick
    python benchmarks/training_peers.py

``lightweight-gan`` 1.2.1 and ``stylegan2-pytorch`` 1.9.0 refuse to be imported where there is no
CUDA device, so that nothing is measured on a CPU, and they are in none of our extras: install them
with ``--no-deps`` beside einops, fire, kornia, adabelief-pytorch and vector-quantize-pytorch 0.1.0.
What is not installed is left out.

Each trains with its own trainer and its defaults, 16 works a step, from memory; lightweight-gan
with its mixed precision, stylegan2-pytorch in float32, for its other choice wants apex. All take
turns, and the fastest round of each counts. stylegan2-pytorch imports ``aim`` to keep a log that is
off by default: where that is not installed, an empty module stands in for it. Both average their
weights after 20,000 steps only and keep no state of their optimizers; ours does its usual work.

Prints one JSON line for each result.
"""

import argparse
import importlib
import importlib.util
import json
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch
from held_out import say
from torch import Tensor
from training import PAPER, by_the_engine

STEPS, ROUNDS = 24, 3
QUICK_STEPS = 4
PEERS = {
    "lightweight-gan": ("lightweight_gan.lightweight_gan", {"amp": True, "use_aim": False}),
    "stylegan2-pytorch": ("stylegan2_pytorch.stylegan2_pytorch", {}),
}
AUGMENTED = 0.3
"""What both choose by themselves for collections of a few hundred works."""


def batches() -> Iterator[Tensor]:
    """Yield batches of noise in [0, 1] without end."""
    works = torch.rand(24, 3, PAPER.size_px, PAPER.size_px)
    while True:
        yield works[torch.randint(len(works), (PAPER.batch,))]


def by_a_peer(module: str, options: dict[str, Any], steps: int) -> Callable[[], float]:
    """Return what makes so many steps with the trainer of a package."""
    if "aim" not in sys.modules and importlib.util.find_spec("aim") is None:
        sys.modules["aim"] = types.ModuleType("aim")
    trainer = importlib.import_module(module).Trainer(
        base_dir=tempfile.mkdtemp(),
        image_size=PAPER.size_px,
        batch_size=PAPER.batch,
        aug_prob=AUGMENTED,
        **options,
    )
    trainer.loader = batches()

    def round_of_steps() -> float:
        torch.cuda.synchronize()
        started = time.perf_counter()
        for number in range(steps):
            # It would keep weights and pictures at its step 0.
            trainer.steps = 4 + number
            trainer.train()
        torch.cuda.synchronize()
        return time.perf_counter() - started

    return round_of_steps


def measured(steps: int, rounds: int) -> dict[str, float]:
    """Return images a second of ours and of those peers that are installed."""
    loops = {"ours": by_the_engine(PAPER, steps)}
    for name, (module, options) in PEERS.items():
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            say(f"{name} is not installed")
            continue
        loops[name] = by_a_peer(module, options, steps)
    fastest = dict.fromkeys(loops, float("inf"))
    for number in range(rounds + 1):
        for name, one in loops.items():
            seconds = one()
            if number:  # the first round warms up
                fastest[name] = min(fastest[name], seconds)
    return {name: steps * PAPER.batch / seconds for name, seconds in fastest.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps, under a minute")
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        say("lightweight-gan and stylegan2-pytorch need a CUDA device, and here is none.")
        return

    found = measured(QUICK_STEPS if chosen.quick else STEPS, 1 if chosen.quick else ROUNDS)
    ours = found.pop("ours")
    for name, rate in found.items():
        line = {
            "name": f"training_peers/speed/{name}",
            "value": round(ours, 3),
            "unit": f"images/s at {PAPER.size_px} px, paper-256",
            "peer": name,
            "peer_value": round(rate, 3),
            "ratio": round(ours / rate, 4),
            "target": "reported",
            "holds": None,
        }
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()

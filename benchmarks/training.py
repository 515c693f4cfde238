"""Measure what the training loop costs over a plain loop with the same networks.

    python benchmarks/training.py --quick
    python benchmarks/training.py

At 32, 64 and 128 pixels the default networks of simulation are trained for a few steps, in turn by
`artgan.training.loop.train` with everything that it does (seeding each step, watching for losses
that are not finite, telling of progress, averaging weights) and by a plain loop that has the two
losses, the penalty, the augmentation and the average written out and nothing else; both compute in
bfloat16 where an accelerator has it. What keeping a state takes is added as often as it comes in
the product, once in 20 seconds. On an accelerator the preset paper-256 comes first, for its rate
and its memory. Works are noise, which costs the same. Rates are of the fastest round of each.
Memory is the most that a process of its own ever held: of the accelerator what PyTorch reserved
there, else VmHWM of /proc, of which some 550 MiB are torch itself; it is left out with
``--quick``. Prints one JSON line for each result.
"""

import argparse
import copy
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from artgan.models.simulators import make_discriminator, make_generator
from artgan.presets import SIMULATION_SIZES, SimulationPreset
from artgan.training.augment import augment
from artgan.training.loop import mixed_precision, train, training_device
from artgan.training.simulation import build

CPU, DRAFT = SIMULATION_SIZES["cpu-32"], SIMULATION_SIZES["draft-128"]
PAPER = SIMULATION_SIZES["paper-256"]
SIZES: dict[int, SimulationPreset] = {
    32: CPU,
    64: replace(CPU, size_px=64, gamma=0.8, batch=8),
    128: replace(DRAFT, batch=4),
}
ON_ACCELERATOR: dict[int, SimulationPreset] = {256: PAPER, **SIZES, 128: DRAFT}
MOST_OVERHEAD = 0.03
PAPER_IMAGES_S = 80.0
PAPER_MIB = 8192.0
KEPT_EVERY_S = 20.0
PENALTY_EVERY = 4
WORKS = 24


@dataclass(frozen=True)
class Effort:
    """Steps of a round by side, and rounds; steps are whole turns of the lazy penalty."""

    steps: dict[int, int]
    rounds: int


QUICK = Effort({32: 16, 64: 8, 128: 4, 256: 4}, 3)
FULL = Effort({32: 80, 64: 40, 128: 12}, 5)
FULL_ON_ACCELERATOR = Effort({256: 24, 32: 80, 64: 80, 128: 60}, 3)

Loop = Callable[[], float]
"""Makes steps and returns the seconds that they took."""


def works(size_px: int) -> list[np.ndarray]:
    """Draw noise as works."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8) for _ in range(WORKS)]


def by_the_engine(preset: SimulationPreset, steps: int) -> Loop:
    """Return what makes so many steps with the loop of the product."""
    held_out = works(preset.size_px)[:3]
    trainee = build(works(preset.size_px), held_out, preset, steps, 0, None, lambda _: np.ones(1))

    def round_of_steps() -> float:
        begun: list[float] = []

        def step(number: int) -> dict[str, float]:
            if not begun:
                begun.append(now())
            losses = trainee.step(number)
            if number == steps - 1:
                begun.append(now())
            return losses

        started = now()
        train(
            replace(trainee, step=step),
            steps,
            0,
            load_state=lambda: None,
            save_state=lambda _: None,
            validate_at=(),
            observe=lambda _: None,
        )
        stepping = begun[1] - begun[0]
        # A state is kept before the first step and after the last.
        keeping = (now() - started - stepping) / 2
        return stepping * (1 + keeping / KEPT_EVERY_S)

    return round_of_steps


def now() -> float:
    """Return the time in seconds, once the accelerator is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class _Plain:
    """The default training of simulation, written out."""

    def __init__(self, preset: SimulationPreset) -> None:
        torch.manual_seed(0)
        self.preset, self.device = preset, training_device()
        self.generator = make_generator(preset).to(self.device)
        self.discriminator = make_discriminator(preset).to(self.device)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(requires_grad=False)
        rates = {"lr": preset.learning_rate, "betas": (0.0, 0.99)}
        self.of_generator = torch.optim.Adam(self.generator.parameters(), **rates)
        self.of_discriminator = torch.optim.Adam(self.discriminator.parameters(), **rates)
        pictures = torch.from_numpy(np.stack(works(preset.size_px)))
        self.pictures = pictures.permute(0, 3, 1, 2) / 255

    def step(self, number: int) -> None:
        real = self.pictures[torch.randint(len(self.pictures), (self.preset.batch,))]
        real = real.to(self.device)
        z, noise = self.generator.draw(self.preset.batch)
        with mixed_precision(self.device):
            generated = self.generator(z.to(self.device), [one.to(self.device) for one in noise])
        generated = generated.float()
        self._step_discriminator(real, generated.detach(), number)
        self._step_generator(real, generated)
        with torch.no_grad():
            both = zip(self.average.parameters(), self.generator.parameters(), strict=True)
            for kept, weight in both:
                kept.lerp_(weight, 0.01)

    def _step_discriminator(self, real: Tensor, generated: Tensor, number: int) -> None:
        penalised = number % PENALTY_EVERY == 0
        images = torch.cat([real, generated]).requires_grad_(penalised)
        with nullcontext() if penalised else mixed_precision(self.device):
            shown = augment(images)
            logits, noticed = self.discriminator(shown)
            redrawn = self.discriminator.redraw(noticed[: len(real)]).float()
        on_real, on_generated = logits.float().chunk(2)
        target = F.interpolate(shown[: len(real)].detach(), redrawn.shape[2:], mode="area")
        loss = F.softplus(on_generated - on_real).mean() + 2 * F.l1_loss(redrawn, target)
        if penalised:
            judged = logits.mean(dim=(1, 2, 3)).sum()
            (slope,) = torch.autograd.grad(judged, images, create_graph=True)
            loss = loss + self.preset.gamma * slope.square().sum(dim=(1, 2, 3)).mean()
        self.of_discriminator.zero_grad()
        loss.backward()
        self.of_discriminator.step()

    def _step_generator(self, real: Tensor, generated: Tensor) -> None:
        self.discriminator.requires_grad_(requires_grad=False)
        with mixed_precision(self.device):
            with torch.no_grad():
                on_real, _ = self.discriminator(augment(real))
            on_generated, _ = self.discriminator(augment(generated))
        self.of_generator.zero_grad()
        F.softplus(on_real.float() - on_generated.float()).mean().backward()
        self.of_generator.step()
        self.discriminator.requires_grad_(requires_grad=True)


def by_hand(preset: SimulationPreset, steps: int) -> Loop:
    """Return what makes so many steps with a plain loop."""
    plain = _Plain(preset)

    def round_of_steps() -> float:
        started = now()
        for number in range(steps):
            plain.step(number)
        return now() - started

    return round_of_steps


LOOPS = {"engine": by_the_engine, "plain": by_hand}


def sizes() -> dict[int, SimulationPreset]:
    """Return what is measured on this machine, by side."""
    return ON_ACCELERATOR if torch.cuda.is_available() else SIZES


def speeds(size_px: int, effort: Effort) -> dict[str, float]:
    """Return images a second of both loops, whose rounds take turns."""
    preset, steps = sizes()[size_px], effort.steps[size_px]
    rounds = {name: make(preset, steps) for name, make in LOOPS.items()}
    fastest = dict.fromkeys(LOOPS, float("inf"))
    for number in range(effort.rounds + 1):
        for name, one in rounds.items():
            seconds = one()
            if number:  # the first round warms up
                fastest[name] = min(fastest[name], seconds)
    return {name: steps * preset.batch / seconds for name, seconds in fastest.items()}


def peak_mib(loop: str, size_px: int) -> float:
    """Return the most memory of a process that makes a few steps with one of the loops."""
    command = [sys.executable, __file__, "--only", loop, str(size_px)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def only(loop: str, size_px: int) -> float:
    """Make a few steps and return the most memory of this process, in MiB."""
    LOOPS[loop](sizes()[size_px], PENALTY_EVERY + 1)()
    if torch.cuda.is_available():
        return torch.cuda.max_memory_reserved() / 2**20
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def result(  # noqa: PLR0913 -- the fields of a result
    name: str,
    value: float,
    unit: str,
    peer_value: float,
    target: str,
    *,
    holds: bool | None,
    peer: str = "plain PyTorch loop",
) -> dict[str, object]:
    """Make one result line."""
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 3),
        "ratio": round(value / peer_value, 4),
        "target": target,
        "holds": holds,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few steps, under a minute")
    parser.add_argument("--only", nargs=2, metavar=("LOOP", "SIDE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(2, torch.get_num_threads()))
    if chosen.only:
        sys.stdout.write(f"{only(chosen.only[0], int(chosen.only[1]))}\n")
        return
    full = FULL_ON_ACCELERATOR if torch.cuda.is_available() else FULL
    tell(speed_lines(size_px, QUICK if chosen.quick else full) for size_px in sizes())
    if not chosen.quick:
        tell(memory_lines(size_px) for size_px in sizes())


def tell(results: Iterable[list[dict[str, object]]]) -> None:
    """Print lines as they come."""
    for lines in results:
        for line in lines:
            sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def speed_lines(size_px: int, effort: Effort) -> list[dict[str, object]]:
    """Measure the rates of both loops at one size."""
    found = speeds(size_px, effort)
    lines = [
        result(
            f"training/speed/{size_px}",
            *(found["engine"], "images/s", found["plain"]),
            f"at most {MOST_OVERHEAD:.0%} slower",
            holds=found["engine"] >= (1 - MOST_OVERHEAD) * found["plain"],
        )
    ]
    if size_px == PAPER.size_px:
        lines.append(
            result(
                "training/paper-256/speed",
                *(found["engine"], f"images/s, {PAPER.batch} works a step", PAPER_IMAGES_S),
                "above the peer",
                peer="StyleGAN2-ADA, 256 pixels, as published for an A100",
                holds=found["engine"] > PAPER_IMAGES_S,
            )
        )
    return lines


def memory_lines(size_px: int) -> list[dict[str, object]]:
    """Measure the memory of both loops at one size."""
    memory = {loop: peak_mib(loop, size_px) for loop in LOOPS}
    lines = [
        result(
            f"training/memory/{size_px}",
            *(memory["engine"], "MiB", memory["plain"], "reported"),
            holds=None,
        )
    ]
    if size_px == PAPER.size_px:
        lines.append(
            result(
                "training/paper-256/memory",
                *(memory["engine"], "MiB of the accelerator", PAPER_MIB, "below the peer"),
                peer="an accelerator of 8 GB",
                holds=memory["engine"] < PAPER_MIB,
            )
        )
    return lines


if __name__ == "__main__":
    main()

"""One training loop for every model family; it resumes exactly and knows no storage.

A family gives a ``Trainee``. Each step draws all its randomness from torch's global generator on
the CPU, which the loop seeds by the number of the step, so a training that was killed and
resumed is the same as one that was not. A family applies gradients with ``apply_gradients`` and
sets learning rates with ``scale_learning_rate``; then a step whose loss is not finite changes
nothing, and the loop can lower the rate when it has to go back.

Processes that torchrun started (see `artgan.training.world`) train one model: each draws its own
part of every batch, gradients are averaged, and what is decided is decided for all. Only the
first validates, keeps states and tells of progress.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from artgan.errors import CorruptAssetError
from artgan.training import world
from artgan.training.state import Position, Record, pack_state, restore_state

OBSERVE_EVERY_S = 2.0
BAD_STEPS = 3
GRADIENT_NORM = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trainee:
    """What a model family gives to the loop.

    Attributes:
        networks: All that a checkpoint keeps, by name.
        optimizers: Optimizers by name.
        step: Takes the number of a step, from 0, makes it, and returns its losses.
        validate: Measures the averaged weights on held-out works; deterministic.
        grid: Draws progress with a fixed seed, (H, W, 3) uint8.
        publish: Names of the networks of the published model.
        warm: Names of further networks that a fine-tuning starts from.
    """

    networks: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    step: Callable[[int], dict[str, float]]
    validate: Callable[[], dict[str, float]]
    grid: Callable[[], np.ndarray]
    publish: tuple[str, ...]
    warm: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How a training is doing.

    Attributes:
        step: Steps done.
        steps: Steps in all.
        losses: Losses of the last step.
        measures: Measures of the last validation, empty before the first.
        steps_per_s: Steps per second of this process.
        left_s: Seconds left at that rate.
    """

    step: int
    steps: int
    losses: dict[str, float]
    measures: dict[str, float]
    steps_per_s: float
    left_s: float


def train(  # noqa: PLR0913 -- the six by name are what a caller connects the loop to
    trainee: Trainee,
    steps: int,
    seed: int,
    *,
    load_state: Callable[[], bytes | None],
    save_state: Callable[[bytes], None],
    validate_at: Sequence[int],
    observe: Callable[[Progress], None],
    checkpoint_every_s: float = 20.0,
) -> list[Record]:
    """Train up to a number of steps, going on from a saved state if there is one.

    On the CPU, and with the same numbers of threads and processes, the result does not depend on
    how often the training was stopped and resumed.

    Args:
        trainee: What to train; its networks hold the result, and are equal in all processes.
        steps: Steps in all, those of a saved state included.
        seed: Decides all randomness together with the number of each step.
        load_state: Returns what ``save_state`` was last given, or None.
        save_state: Keeps a state; called at the start, every ``checkpoint_every_s`` and at the end.
        validate_at: Numbers of done steps after which to validate; 0 is before the first.
        observe: Told of progress every two seconds, at validations and at the end.
        checkpoint_every_s: Seconds between two saved states.

    Returns:
        One record for each validation: ``step`` and the measures.

    Raises:
        CorruptAssetError: The state does not fit, or losses stay not finite at half the rate.
    """
    run = _Run(trainee, steps, seed, save_state, observe)
    run.resume(world.from_first(load_state))
    saved_s = time.monotonic()
    if run.position.step == 0 and not run.position.history:
        run.validate_if_due(validate_at)
    while run.position.step < steps:
        if not run.advance():
            run.go_back(world.from_first(load_state))
            run.keep()
            continue
        run.validate_if_due(validate_at)
        if time.monotonic() - saved_s >= checkpoint_every_s and run.bad_steps == 0:
            run.keep()
            saved_s = time.monotonic()
    run.keep()
    run.report()
    return list(run.position.history)


class _Run:
    """The changing part of one call of ``train``."""

    def __init__(
        self,
        trainee: Trainee,
        steps: int,
        seed: int,
        save_state: Callable[[bytes], None],
        observe: Callable[[Progress], None],
    ) -> None:
        self.trainee, self.steps, self.seed = trainee, steps, seed
        self.save_state, self.observe = save_state, observe
        self.position = Position()
        self.bad_steps = 0
        self._losses: dict[str, float] = {}
        self._done = 0
        self._started_s = self._reported_s = time.monotonic()
        for optimizer in trainee.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])

    def keep(self) -> None:
        if world.rank() == 0:
            networks, optimizers = self.trainee.networks, self.trainee.optimizers
            self.save_state(pack_state(networks, optimizers, self.position))

    def resume(self, data: bytes | None) -> None:
        if data is None:
            self.keep()  # something to go back to from the very first step
            return
        self.position = restore_state(data, self.trainee.networks, self.trainee.optimizers)

    def advance(self) -> bool:
        """Make one step; False if it is the last of too many whose loss is not finite."""
        torch.manual_seed(step_seed(self.seed, self.position.step, world.rank()))
        losses = world.average_numbers(self.trainee.step(self.position.step))
        finite = all(math.isfinite(value) for value in losses.values())
        self.bad_steps = 0 if finite else self.bad_steps + 1
        if self.bad_steps == BAD_STEPS:
            return False
        if finite:
            self._losses = losses
        self._done += 1
        self.position = replace(self.position, step=self.position.step + 1)
        if time.monotonic() - self._reported_s >= OBSERVE_EVERY_S:
            self.report()
        return True

    def go_back(self, data: bytes | None) -> None:
        """Return to the last saved state with half the learning rate, once."""
        failed_at = self.position.step
        if data is None or self.position.retries:
            raise CorruptAssetError(
                f"losses must be finite, got {BAD_STEPS} in a row that are not before step "
                f"{failed_at}, also at half the learning rate. "
                "Lower the learning rate, or look for broken pictures in the training set."
            )
        position = restore_state(data, self.trainee.networks, self.trainee.optimizers)
        self.position = replace(position, retries=1)
        self.bad_steps = 0
        for optimizer in self.trainee.optimizers.values():
            for group in optimizer.param_groups:
                group["initial_lr"] *= 0.5
                group["lr"] *= 0.5
        logger.warning(
            "Losses were not finite at step %d; going on from step %d at half the rate.",
            failed_at,
            position.step,
        )

    def validate_if_due(self, validate_at: Sequence[int]) -> None:
        step = self.position.step
        if step not in validate_at:
            return
        record = {"step": step, **world.from_first(self.trainee.validate)}
        self.position = replace(self.position, history=(*self.position.history, record))
        self.report()

    def report(self) -> None:
        if world.rank() > 0:
            return
        now_s = time.monotonic()
        self._reported_s = now_s
        rate = self._done / max(now_s - self._started_s, 1e-9)
        left = self.steps - self.position.step
        measures = dict(self.position.history[-1]) if self.position.history else {}
        measures.pop("step", None)
        left_s = 0.0 if left == 0 else left / rate if rate else math.inf
        self.observe(Progress(self.position.step, self.steps, self._losses, measures, rate, left_s))


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Derive the seed of one step: 63 bits that differ for each seed, step and process.

    Args:
        seed: Seed of the training, from 0.
        step: Number of the step, from 0.
        rank: Number of the process, from 0.
    """
    entropy = [seed, step, rank] if rank else [seed, step]
    state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def warmup_cosine(step: int, steps: int, warmup_steps: int = 50, floor: float = 0.05) -> float:
    """Give the learning rate's factor: rises linearly, then falls along half a cosine.

    Args:
        step: Number of the step, from 0.
        steps: Steps in all.
        warmup_steps: Steps of the rise, at most a tenth of all.
        floor: Factor at the end.

    Returns:
        A factor in (0, 1].

    References:
        Loshchilov and Hutter 2017, "SGDR", eq. 5, without restarts,
        https://arxiv.org/abs/1608.03983
    """
    rise = min(1.0, (step + 1) / max(1, min(warmup_steps, steps // 10)))
    fall = 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / max(1, steps)))
    return rise * (floor + (1.0 - floor) * fall)


def scale_learning_rate(optimizer: Optimizer, factor: float) -> None:
    """Set each group's learning rate to its initial one times a factor.

    Args:
        optimizer: Changed in place; its first rate is remembered as ``initial_lr``.
        factor: For example what ``warmup_cosine`` gives.
    """
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = group["initial_lr"] * factor


def apply_gradients(
    loss: Tensor,
    optimizer: Optimizer,
    parameters: Iterable[Tensor],
    max_norm: float = GRADIENT_NORM,
) -> None:
    """Go one step down a loss with clipped gradients, unless loss or gradients are not finite.

    Gradients are averaged over the processes of the training; a loss that is not finite in one
    of them stops the step in all.

    Args:
        loss: A single number that has a gradient, of this process's part of the batch.
        optimizer: Steps over ``parameters``.
        parameters: What to clip.
        max_norm: Upper bound of the joint norm of all gradients.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = list(parameters)
    gradients = [p.grad for p in parameters if p.grad is not None]
    world.average(gradients)
    norm = nn.utils.get_total_norm(gradients)
    # One question for both: an accelerator has to catch up before it can answer.
    if not world.agree(yes=bool(torch.isfinite(norm) & torch.isfinite(loss))):
        return
    if math.isfinite(max_norm):
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
    optimizer.step()


def detached(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Turn losses into plain numbers for ``Progress``, all at once."""
    numbers = torch.stack([loss.detach().float() for loss in losses.values()]).tolist()
    return dict(zip(losses, numbers, strict=True))


def training_device() -> torch.device:
    """Pick the accelerator if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision(device: torch.device) -> torch.autocast:
    """Compute convolutions in bfloat16 where an accelerator has it; elsewhere change nothing.

    For the forward pass of networks alone: weights, optimizers and averages stay float32, and so
    do losses, which are given ``.float()`` of what comes out. Spectrally normalised judges are
    best left out of it: their estimate of the norm would be one of eight bits, and they are small.

    Args:
        device: Where the networks are.
    """
    has_it = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=has_it)

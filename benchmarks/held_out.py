"""What the benchmarks of trainings do alike: split, train, keep states, report."""

import hashlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import Tensor

from artgan.errors import ArtganError
from artgan.imaging.read import read_rgb
from artgan.training.loop import Progress, Trainee, train

HELD_OUT_FRACTION = 0.2
SEED = 0
WARM_STEPS, TIMED_STEPS = 10, 40

Weights = dict[str, dict[str, Tensor]]
Preset = TypeVar("Preset")


@dataclass(frozen=True)
class Split:
    """Works of one collection."""

    train: list[np.ndarray]
    test: list[np.ndarray]


def read_splits(
    scans: Path,
    train_px: int,
    test_px: int | None = None,
    most: int | None = None,
    names: Sequence[str] | None = None,
) -> dict[str, Split]:
    """Read all collections, a fifth of each held out by the hash of the file names.

    Args:
        scans: Folder with a folder for each collection.
        train_px: Short side of the works to learn from.
        test_px: Short side of those held out, by default the same.
        most: Works read of each part at most.
        names: Collections to read, in this order; None means all.
    """
    folders = sorted(path for path in scans.iterdir() if path.is_dir())
    if names is not None:
        folders = [scans / name for name in names]
    return {folder.name: read_split(folder, train_px, test_px, most) for folder in folders}


def read_split(
    folder: Path, train_px: int, test_px: int | None = None, most: int | None = None
) -> Split:
    """Read one collection, as `read_splits` does."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    ranked = sorted(files, key=lambda path: hashlib.sha256(path.name.encode()).hexdigest())
    held_out = max(1, round(len(files) * HELD_OUT_FRACTION))
    parts = sorted(ranked[held_out:][:most]), sorted(ranked[:held_out][:most])
    return Split(_pictures(parts[0], train_px), _pictures(parts[1], test_px or train_px))


def _pictures(files: Sequence[Path], short_side_px: int) -> list[np.ndarray]:
    pictures = []
    for path in files:
        try:
            pictures.append(read_rgb(path.read_bytes(), short_side_px))
        except ArtganError as error:
            say(f"left out {path.name}: {error}")
    return pictures


def kept_in(
    state: Path | None, name: str
) -> tuple[Callable[[], bytes | None], Callable[[bytes], None]]:
    """Return how a training's state is loaded and saved: in a folder, or in memory without one."""
    path = None if state is None else state / f"{name}.safetensors"
    kept: list[bytes] = []

    def save(data: bytes) -> None:
        kept[:] = [data]
        if path is not None:
            partial = path.with_suffix(".part")
            partial.write_bytes(data)
            partial.replace(path)

    def load() -> bytes | None:
        if path is not None and path.exists():
            return path.read_bytes()
        return kept[0] if kept else None

    return load, save


def trained(trainee: Trainee, steps: int, state: Path | None, name: str) -> Weights:
    """Train to the end, going on from a state in a folder if there is one; return the weights."""
    load, save = kept_in(state, name)
    train(
        trainee,
        steps,
        SEED,
        load_state=load,
        save_state=save,
        validate_at=(),
        observe=lambda progress: report(name, progress),
        checkpoint_every_s=10.0,
    )
    names = (*trainee.publish, *trainee.warm)
    return {network: trainee.networks[network].state_dict() for network in names}


def steps_within(build: Callable[[int], Trainee], seconds: float, most: int = 10**6) -> int:
    """Time some steps of a training, and say how many fit into so many seconds, ``most`` at most.

    Schedules need to know the number of steps, so a training cannot just be stopped.
    """
    trainee = build(most)
    for number in range(WARM_STEPS):
        trainee.step(number)
    started = time.monotonic()
    for number in range(TIMED_STEPS):
        trainee.step(number)
    step_s = (time.monotonic() - started) / TIMED_STEPS
    fitting = max(1, min(most, int(seconds / step_s)))
    say(f"a step takes {1000 * step_s:.0f} ms: {fitting} of {most} steps in {seconds:g} s")
    return fitting


def changes_of(text: str) -> dict[str, str]:
    """Read changes to a preset, as in ``width=32,batch=16``."""
    return dict(one.split("=") for one in text.split(",") if one)


def changed(preset: Preset, changes: dict[str, str]) -> Preset:
    """Return a preset with other values in some of its fields, which may be given as text."""
    of: Any = preset
    known = {one.name: type(getattr(of, one.name)) for one in fields(of)}
    return replace(of, **{name: known[name](value) for name, value in changes.items()})


def tell(name: str, progress: Progress) -> None:
    """Say on standard error how a training is doing, with its losses."""
    report(name, progress)
    say(f"{name}: { {key: round(value, 3) for key, value in progress.losses.items()} }")


def report(name: str, progress: Progress) -> None:
    """Say on standard error how a training is doing."""
    rate = f"{progress.steps_per_s:.1f} steps/s, {progress.left_s:.0f} s left"
    say(f"{name}: step {progress.step} of {progress.steps}, {rate}")


def line(  # noqa: PLR0913 -- the fields of a result
    name: str,
    value: float,
    unit: str,
    peer: str,
    peer_value: float,
    target: str | None = None,
    *,
    holds: bool | None = None,
) -> dict[str, object]:
    """Make one result: a value beside a peer's, the target in words, and whether it holds."""
    return {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "peer": peer,
        "peer_value": round(peer_value, 4),
        "ratio": round(value / peer_value, 4) if peer_value else None,
        "target": target,
        "holds": None if holds is None else bool(holds),
    }


def say(line: str) -> None:
    """Say something that is no result."""
    sys.stderr.write(line + "\n")

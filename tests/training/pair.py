"""Run by test_world.py in each of two processes: trains, and leaves what it came to."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from artgan.presets import (
    DenoisePreset,
    DetectionPreset,
    RestorationPreset,
    SimulationPreset,
    StylePreset,
    TonePreset,
)
from artgan.training import detection, finish, restoration, simulation, style, tone, world
from artgan.training.loop import Trainee, apply_gradients, train
from artgan.training.sides import Sides

STEPS = 4
RESTORATION = RestorationPreset(
    40, 32, (4, 8), (1, 1), discriminator_width=4, batch=2, gan_fraction=0.5
)
SIMULATION = SimulationPreset(size_px=16, base_channels=8, max_channels=16, latent=8, batch=4)
TONE = TonePreset(width=4, batch=4)
DENOISE = DenoisePreset(crop_px=16, widths=(4, 8), blocks=(1, 1), batch=2)
KINDS = ("restoration", "simulation", "style", "tone", "denoise", "detection")
GLOBAL_BATCH = 4
"""Of the trainings that are compared with one process."""
SPLIT = {
    "skip": SimulationPreset(16, 8, 16, 12, GLOBAL_BATCH),
    "style": SimulationPreset(
        *(16, 8, 16, 12, GLOBAL_BATCH), network="style", loss="non-saturating", continuous=2
    ),
    "dcgan": SimulationPreset(
        *(16, 8, 16, 12, GLOBAL_BATCH), network="dcgan", loss="wgan-gp", modes=3
    ),
}
STYLE = StylePreset(short_side_px=24, crop_px=16, width=4, blocks=1, patches=16, batch=2)
DETECTION = DetectionPreset(40, 32, 16, (4, 8), (1, 1), batch=2, overlays=3)


class StoppedError(Exception):
    pass


def works(count, seed):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (40, 44, 3), dtype=np.uint8) for _ in range(count)]


def features(pictures):
    return np.array([np.concatenate([p.mean((0, 1)), p.std((0, 1))]) for p in pictures]) / 255


def family(kind):
    sides = [works(4, seed) for seed in range(4)]
    match kind:
        case "restoration":
            return restoration.build(*sides[:2], shared(RESTORATION), STEPS, 0, None)
        case "simulation":
            return simulation.build(*sides[:2], shared(SIMULATION), STEPS, 0, None, features)
        case "style":
            return style.build(Sides(*sides), shared(STYLE), STEPS, 0, None, features)
        case "detection":
            return detection.build(*sides[:2], shared(DETECTION), STEPS, 0, None)
        case "tone":
            larger = [[np.tile(one, (2, 2, 1)) for one in side] for side in sides[:2]]
            return tone.build(*larger, shared(TONE), STEPS, 0, None)
        case "denoise":
            return finish.build_denoise(*sides[:2], shared(DENOISE), STEPS, 0, None)


def split_training(name):
    """Prepare a GAN whose steps are as long as their gradients, so that rounding stays small.

    Adam's first steps go at full length in any direction, also in that of a rounding error.
    """
    trainee = simulation.build(
        works(6, 0), works(4, 1), shared(SPLIT[name]), STEPS, 0, None, features
    )
    for part, optimizer in trainee.optimizers.items():
        parameters = optimizer.param_groups[0]["params"]
        trainee.optimizers[part] = torch.optim.SGD(parameters, 0.05)
    return trainee


def split_result(name):
    trainee = split_training(name)
    started = weights(trainee)
    history = run(trainee, STEPS, [])
    return {"started": started, "ended": weights(trainee), "history": history}


def shared(preset):
    return replace(preset, batch=world.share_of(preset.batch))


def run(trainee, steps, shelf):
    def save(state):
        shelf.append(state)

    return train(
        trainee,
        steps,
        7,
        load_state=lambda: shelf[-1] if shelf else None,
        save_state=save,
        validate_at=(0, steps),
        observe=lambda _: None,
        checkpoint_every_s=0.0,
    )


def weights(trainee):
    return {
        f"{name}.{key}": value.clone()
        for name, network in trainee.networks.items()
        for key, value in network.state_dict().items()
    }


def whole_and_resumed(kind):
    whole, shelf = family(kind), []
    history = run(whole, STEPS, shelf)
    part, part_shelf = family(kind), []

    def stopping(number):
        if number == 2:
            raise StoppedError
        return part.step(number)

    try:
        run(replace(part, step=stopping), STEPS, part_shelf)
    except StoppedError:
        resumed = family(kind)
        resumed_history = run(resumed, STEPS, part_shelf)
    return {
        "whole": weights(whole),
        "resumed": weights(resumed),
        "history": history,
        "resumed_history": resumed_history,
        "saved": len(shelf),
    }


def line(broken_at, mended_at):
    """Fit a line; losses of the second process alone are broken at some steps, until mended."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    seen = {"draws": [], "before": [], "rates": [], "steps": []}

    def step(number):
        x = torch.rand(8, 1)
        seen["draws"].append(float(x[0]))
        seen["before"].append(float(network.weight.detach()))
        seen["rates"].append(optimizer.param_groups[0]["lr"])
        seen["steps"].append(number)
        loss = (network(x) - 3 * x).square().mean()
        broken = number in broken_at and len(seen["steps"]) < mended_at
        loss = loss * torch.nan if broken and world.rank() == 1 else loss
        apply_gradients(loss, optimizer, network.parameters())
        return {"loss": float(loss.detach())}

    trainee = Trainee(
        {"line": network}, {"line": optimizer}, step, lambda: {"rank": world.rank()}, None, ()
    )
    shelf = []
    history = run(trainee, 12, shelf)
    return seen | {"weights": weights(trainee), "history": history, "saved": len(shelf)}


def mean_gradient():
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], 1.0)
    apply_gradients((weight * (1.0 + world.rank())).sum(), optimizer, [weight], max_norm=10.0)
    return weight.detach()


def main():
    torch.set_num_threads(1)
    with world.joined():
        found = {kind: whole_and_resumed(kind) for kind in KINDS}
        found |= {
            "split": {name: split_result(name) for name in SPLIT},
            "single_bad_step": line({5}, mended_at=99),
            "three_bad_steps": line({6, 7, 8}, mended_at=10),
            "gradient": mean_gradient(),
            "devices": world.devices(),
            "shares": [world.share_of(batch) for batch in (1, 4, 5)],
        }
        torch.save(found, Path(sys.argv[1]) / f"{world.rank()}.pt")


if __name__ == "__main__":
    main()

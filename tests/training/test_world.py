"""Two processes that train one model, started by torchrun."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.overrides import TorchFunctionMode

from artgan.training import world
from artgan.training.loop import step_seed
from tests.training import pair as in_a_process

KINDS = ("restoration", "simulation", "style", "tone", "denoise", "detection")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """What the first and the second process came to."""
    folder = tmp_path_factory.mktemp("pair")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", str(Path(__file__).parent / "pair.py"), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return [torch.load(folder / f"{rank}.pt") for rank in range(2)]


def same(ones, others):
    return ones.keys() == others.keys() and all(torch.equal(ones[k], others[k]) for k in ones)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_equal_in_all_processes_and_after_a_resume(pair, kind):
    first, second = (found[kind] for found in pair)
    assert same(first["whole"], second["whole"])
    assert same(first["whole"], first["resumed"])
    assert same(first["whole"], second["resumed"])
    assert first["history"] == second["history"] == first["resumed_history"]


class DrawnByTwo(TorchFunctionMode):
    """Lets one process draw what two drew: each random tensor in halves, along its batch.

    Of a batch that holds real and generated works, each process has half of either.
    """

    draws = (torch.rand, torch.randn, torch.randint)

    def seed(self, step):
        seeds = [step_seed(7, step, rank) for rank in range(2)]
        self.sources = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function not in self.draws or kwargs.get("generator") is not None:
            return function(*args, **kwargs)
        kwargs.pop("generator", None)
        *bounds, sizes = args if function is torch.randint else [args]
        whole = in_a_process.GLOBAL_BATCH
        axis = next(i for i, size in enumerate(sizes) if size in {whole, 2 * whole})
        half = [size // 2 if i == axis else size for i, size in enumerate(sizes)]
        drawn = [function(*bounds, half, generator=source, **kwargs) for source in self.sources]
        kinds = zip(*(one.chunk(sizes[axis] // whole, axis) for one in drawn), strict=True)
        return torch.cat([torch.cat(kind, axis) for kind in kinds], axis)


def distance(ones, others):
    return sum((ones[key] - others[key]).square().sum().item() for key in ones) ** 0.5


@pytest.mark.parametrize("name", in_a_process.SPLIT)
def test_two_processes_are_one_process_with_the_batch_of_both(pair, name):
    both = pair[0]["split"][name]
    trainee = in_a_process.split_training(name)
    mode = DrawnByTwo()

    def step(number):
        mode.seed(number)
        with mode:
            return trainee.step(number)

    started = in_a_process.weights(trainee)
    history = in_a_process.run(replace(trainee, step=step), in_a_process.STEPS, [])
    ended = in_a_process.weights(trainee)
    assert same(started, both["started"])
    moved = distance(ended, started)
    assert moved > 0.001
    assert distance(ended, both["ended"]) < 0.001 * moved
    for one, other in zip(history, both["history"], strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-3)


def test_each_process_draws_its_own_part(pair):
    first, second = (found["single_bad_step"] for found in pair)
    assert not set(first["draws"]) & set(second["draws"])


def test_only_the_first_process_validates_and_keeps_states(pair):
    first, second = (found["single_bad_step"] for found in pair)
    assert (
        first["history"]
        == second["history"]
        == [
            {"step": 0, "rank": 0},
            {"step": 12, "rank": 0},
        ]
    )
    assert (first["saved"], second["saved"]) == (13, 0)


def test_a_loss_that_is_not_finite_in_one_process_stops_the_step_in_all(pair):
    for found in pair:
        before = found["single_bad_step"]["before"]
        assert before[6] == before[5] != before[4]
        assert before[7] != before[6]
    assert same(*(found["single_bad_step"]["weights"] for found in pair))


def test_all_processes_go_back_together_at_half_the_rate(pair):
    first, second = (found["three_bad_steps"] for found in pair)
    assert first["steps"] == second["steps"] == [*range(9), *range(6, 12)]
    assert first["rates"] == second["rates"] == [0.1] * 9 + [0.05] * 6
    assert same(first["weights"], second["weights"])


def test_gradients_are_averaged_and_devices_counted(pair):
    for found in pair:
        assert found["gradient"].tolist() == [-0.5, -0.5]
        assert found["devices"] == "2 x cpu"
        assert found["shares"] == [1, 2, 2]


def test_a_process_alone_gets_back_what_it_gave():
    numbers = {"a": 0.1, "b": float("inf")}
    assert world.average_numbers(numbers) == numbers
    assert (world.size(), world.rank(), world.share_of(5)) == (1, 0, 5)
    assert world.agree(yes=False) is False
    assert world.from_first(lambda: "made") == "made"
    tensor = torch.rand(3)
    kept = tensor.clone()
    world.average([tensor])
    assert torch.equal(tensor, kept)

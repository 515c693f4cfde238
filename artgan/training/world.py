"""The processes of one training: who this one is, and how all come to the same numbers.

torchrun starts one process for each device and names it in the environment; `joined` brings them
together. A process that torchrun did not start is alone, and every function here then gives back
what it was given, so that a training on one device is computed as if this module were not there.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

Value = TypeVar("Value")

_PATIENCE = timedelta(hours=2)  # the others wait while the first process validates


@contextmanager
def joined() -> Iterator[None]:
    """Bring the processes of a training together, if torchrun started this one.

    Process i computes on the i-th visible device. After an error nothing is waited for: the
    process ends, and torchrun ends the others.
    """
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        yield
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
    yield
    agree(yes=True)  # nobody leaves while the first process still writes
    dist.destroy_process_group()


def size() -> int:
    """Return the number of processes that train together."""
    return dist.get_world_size() if _is_joined() else 1


def rank() -> int:
    """Return the number of this process among them, from 0."""
    return dist.get_rank() if _is_joined() else 0


def _is_joined() -> bool:
    return dist.is_available() and dist.is_initialized()


def agree(*, yes: bool) -> bool:
    """Say whether all processes say yes; each must ask."""
    if size() == 1:
        return yes
    votes = torch.tensor(int(yes))
    dist.all_reduce(votes, dist.ReduceOp.MIN)
    return bool(votes)


def from_first(make: Callable[[], Value]) -> Value:
    """Let the first process make a value, while the others wait, and give it to all.

    Args:
        make: Called in the first process only; an error there ends the training.
    """
    if size() == 1:
        return make()
    box: list[Any] = [make() if rank() == 0 else None]
    dist.broadcast_object_list(box, device=torch.device("cpu"))
    return box[0]


def average(tensors: Sequence[Tensor]) -> None:
    """Replace tensors by their means over all processes, with one exchange.

    Args:
        tensors: Of one type and on one device, changed in place; the same shapes everywhere.
    """
    if size() == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    means = (flat / size()).split([tensor.numel() for tensor in tensors])
    for tensor, mean in zip(tensors, means, strict=True):
        tensor.copy_(mean.view_as(tensor))


def average_numbers(numbers: Mapping[str, float]) -> dict[str, float]:
    """Average named numbers over all processes; one that is not finite stays so for all."""
    if size() == 1:
        return dict(numbers)
    values = torch.tensor(list(numbers.values()), dtype=torch.float64)
    average([values])
    return dict(zip(numbers, values.tolist(), strict=True))


def share_of(batch: int) -> int:
    """Return how much of a batch falls to each process, at least 1."""
    return max(1, batch // size())


def devices() -> str:
    """Name the devices that the training runs on, with their number where there are several."""
    names = ["cpu"] * size()
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(size())]
    counts = Counter(names)
    return ", ".join(name if n == 1 else f"{n} x {name}" for name, n in counts.items())

"""Two ways down a loss whose whole state can be kept and taken up again: L-BFGS and Adam."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

_CURVATURE_FLOOR = 1e-10


class Descent(ABC):
    """Moves a picture, given the gradient at each place that it comes to.

    Attributes:
        steps: Steps made.
    """

    steps: int = 0

    @abstractmethod
    def move(self, gradient: Tensor) -> Tensor:
        """Return what to add to the picture at which this gradient was measured."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return all that decides the next moves, as tensors by name."""

    @abstractmethod
    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take up a state that `state` returned."""


class Adam(Descent):
    """Adam, which needs two numbers a value and forgives noise.

    Args:
        rate: Step size.
        betas: Decays of the two averages.
        epsilon: Added to the root of the squares: gradients well below it hardly move anything.

    References:
        Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1,
        https://arxiv.org/abs/1412.6980
    """

    def __init__(
        self, rate: float, betas: tuple[float, float] = (0.9, 0.99), epsilon: float = 1e-8
    ) -> None:
        self._rate, self._betas, self._epsilon = rate, betas, epsilon
        self._mean, self._square = torch.zeros(()), torch.zeros(())

    def move(self, gradient: Tensor) -> Tensor:
        """See `Descent`."""
        self.steps += 1
        first, second = self._betas
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient.square()
        mean = self._mean / (1 - first**self.steps)
        size = (self._square / (1 - second**self.steps)).sqrt()
        return -self._rate * mean / (size + self._epsilon)

    def state(self) -> dict[str, Tensor]:
        """See `Descent`."""
        return {"mean": self._mean, "square": self._square, "steps": torch.tensor(self.steps)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """See `Descent`."""
        self._mean, self._square, self.steps = state["mean"], state["square"], int(state["steps"])


class Lbfgs(Descent):
    """L-BFGS without a line search, as ``torch.optim.LBFGS`` makes its moves.

    Written out because torch keeps its state in lists inside an optimizer's dictionary, of which
    neither the number nor the shapes are known when a killed run is taken up again.

    Args:
        history: Pairs of moves and changes of the gradient that are remembered; each costs two
            numbers a value.

    References:
        Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 7.5
    """

    def __init__(self, history: int = 10) -> None:
        self._most = history
        self._moves: list[Tensor] = []
        self._changes: list[Tensor] = []
        self._last: tuple[Tensor, Tensor] | None = None  # gradient and move
        self._scale = 1.0

    def move(self, gradient: Tensor) -> Tensor:
        """See `Descent`."""
        self.steps += 1
        if self._last is None:
            # torch's first step: the gradient, shortened so that its sum of values is 1 at most
            move = -gradient * min(1.0, 1.0 / float(gradient.abs().sum()))
        else:
            self._remember(gradient - self._last[0], self._last[1])
            move = -self._times_inverse(gradient)
        self._last = gradient.clone(), move
        return move

    def _remember(self, change: Tensor, move: Tensor) -> None:
        curvature = _dot(change, move)
        if curvature <= _CURVATURE_FLOOR:
            return
        self._moves = [*self._moves, move][-self._most :]
        self._changes = [*self._changes, change][-self._most :]
        self._scale = curvature / _dot(change, change)

    def _times_inverse(self, gradient: Tensor) -> Tensor:
        """Multiply by the inverse of the curvature, as far as it is known: the two loops."""
        rest, shares = gradient.clone(), []
        pairs = list(zip(self._moves, self._changes, strict=True))
        for move, change in reversed(pairs):
            share = _dot(move, rest) / _dot(change, move)
            rest -= share * change
            shares.append(share)
        found = rest * self._scale
        for (move, change), share in zip(pairs, reversed(shares), strict=True):
            found += (share - _dot(change, found) / _dot(change, move)) * move
        return found

    def state(self) -> dict[str, Tensor]:
        """See `Descent`."""
        kept = {f"move{number}": one for number, one in enumerate(self._moves)}
        kept |= {f"change{number}": one for number, one in enumerate(self._changes)}
        if self._last is not None:
            kept |= {"gradient": self._last[0], "move": self._last[1]}
        scale = torch.tensor(self._scale, dtype=torch.float64)
        return kept | {"scale": scale, "steps": torch.tensor(self.steps)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """See `Descent`."""
        count = sum(name.startswith("change") for name in state)
        self._moves = [state[f"move{number}"] for number in range(count)]
        self._changes = [state[f"change{number}"] for number in range(count)]
        self._last = (state["gradient"], state["move"]) if "gradient" in state else None
        self._scale, self.steps = float(state["scale"]), int(state["steps"])


def _dot(one: Tensor, other: Tensor) -> float:
    return float((one.double() * other.double()).sum())

"""Train from one state to the next, as a run that is killed and resumed does."""

from torch import Tensor

from artgan.training.loop import Trainee, train


def run(trainee: Trainee, steps: int, state: bytes | None = None) -> bytes | None:
    """Train up to a number of steps, from a state if there is one; return the last state kept."""
    kept = [state]
    train(
        trainee,
        steps,
        0,
        load_state=lambda: kept[-1],
        save_state=kept.append,
        validate_at=(),
        observe=lambda _: None,
    )
    return kept[-1]


def weights(trainee: Trainee) -> dict[str, Tensor]:
    """Copy all weights and buffers."""
    return {
        f"{name}.{key}": value.clone()
        for name, network in trainee.networks.items()
        for key, value in network.state_dict().items()
    }

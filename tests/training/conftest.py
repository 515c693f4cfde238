"""How the tests of model families run a training."""

from dataclasses import replace

import pytest
import torch

from artgan.training.loop import train


@pytest.fixture(scope="session")
def run():
    """Train to the end, from what lies on a shelf if anything does; return the history."""

    def to_the_end(trainee, steps, shelf=None):
        shelf = {} if shelf is None else shelf
        return train(
            trainee,
            steps,
            3,
            load_state=lambda: shelf.get("state"),
            save_state=lambda state: shelf.update(state=state),
            validate_at=(0, steps),
            observe=lambda _: None,
            checkpoint_every_s=0.0,
        )

    return to_the_end


@pytest.fixture(scope="session")
def check_resumed(run):
    """Check that a training that was stopped and resumed is the same as one that was not."""

    def check(fresh, steps, stops):
        whole = fresh()
        history = run(whole, steps)
        for stop in stops:
            shelf, part = {}, fresh()

            def stopping(step, trainee=part, stop=stop):
                if step == stop:
                    raise KeyboardInterrupt
                return trainee.step(step)

            with pytest.raises(KeyboardInterrupt):
                run(replace(part, step=stopping), steps, shelf)
            resumed = fresh()
            assert run(resumed, steps, shelf) == history
            for name, network in whole.networks.items():
                for key, weights in network.state_dict().items():
                    again = resumed.networks[name].state_dict()[key]
                    assert torch.equal(again, weights), (stop, name, key)

    return check

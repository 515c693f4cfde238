import torch

from artgan.models.simulators import Simulator, make_generator
from artgan.presets import SimulationPreset
from artgan.simulate.comparison import compared, comparison_words, side_by_side


def records(*values):
    return [{"step": 100 * number, "kid_x1000": value} for number, value in enumerate(values)]


def test_a_comparison_says_when_fine_tuning_was_as_good():
    numbers = compared(records(50, 20, 11, 9), records(500, 90, 12, 15))
    assert numbers == {
        "base": 50,
        "scratch": 12,
        "fine_tuned": 9,
        "scratch_best_step": 200,
        "fine_tuned_reaches_it_at": 200,
    }
    assert "as good at step 200 as starting from nothing at step 200" in comparison_words(numbers)


def test_a_fine_tuning_that_stays_behind_is_said_to():
    numbers = compared(records(50, 40), records(500, 30))
    assert numbers["fine_tuned_reaches_it_at"] is None
    assert "did not get as far" in comparison_words(numbers)


def test_rows_are_models_and_columns_seeds():
    preset = SimulationPreset(16, 8, 16, 8, classes=("prints", "rivers"))
    torch.manual_seed(0)
    one, other = (Simulator(make_generator(preset), preset) for _ in range(2))
    sheet = side_by_side([one, other, one], "rivers", 3)
    row = (sheet.shape[0] - 4) // 3
    assert (sheet[:row] == sheet[2 * row : 3 * row]).all()
    assert (sheet[:row] != sheet[row : 2 * row]).any()
    assert sheet.shape[1] == 8 * 100 + 4

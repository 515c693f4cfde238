from dataclasses import asdict

import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.models.checkpoint import pack_weights
from artgan.models.tone import UNTONED, ToneNetwork, ToneNumbers, load_tone, tone_from_json
from artgan.presets import PRESETS, TonePreset

# what undoing a yellowed varnish and some fading looks like
STRONG = ToneNumbers(
    (1.1, 1.2, 0.8),
    ((1.4, -0.2, -0.05), (-0.1, 1.3, -0.1), (-0.1, -0.3, 1.9)),
    (-0.08, -0.05, 0.02),
)


def random_levels(size=24, seed=0):
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def awake(width=8, seed=0):
    """A network whose last layer says something."""
    torch.manual_seed(seed)
    network = ToneNetwork(width).eval()
    torch.nn.init.normal_(network.head.weight, std=0.2)
    return network


def test_before_training_nothing_changes():
    thumbnail = np.random.default_rng(0).random((32, 32, 3), dtype=np.float32)
    assert ToneNetwork(16).guess(thumbnail).is_identity
    levels = random_levels()
    assert torch.allclose(UNTONED.apply(levels), levels, atol=1e-5)


def test_the_numbers_can_be_undone_where_nothing_is_clipped():
    levels = random_levels()
    toned = STRONG.apply(levels)
    assert (toned - levels).abs().max() > 0.1
    # the curve is looked up at 16 bits, and the inverse of the gamma is steep near black
    assert (STRONG.invert(toned) - levels).abs().max() < 1e-3


def test_codes_of_eight_bits_come_back_within_a_code_and_deep_ones_too():
    for peak, most in ((255, 2.0), (65_535, 20.0)):
        codes = torch.randint(peak // 8, peak, (1, 3, 40, 40)).double()
        toned = STRONG.apply((codes / peak).float())
        kept = ((toned > 0) & (toned < 1)).all(dim=1, keepdim=True).expand_as(toned)
        stored = toned.clamp(0, 1).mul(peak).round() / peak
        error = (STRONG.invert(stored).double() * peak - codes).abs()[kept]
        assert kept.float().mean() > 0.2
        assert error.max() <= most


def test_strength_goes_from_nothing_to_all():
    assert STRONG.blend(0.0) == UNTONED
    assert np.allclose(STRONG.blend(1.0).matrix, STRONG.matrix)
    levels = random_levels()
    steps = [(STRONG.blend(s).apply(levels) - levels).abs().mean() for s in (0.25, 0.5, 1.0)]
    assert steps[0] < steps[1] < steps[2]


def test_a_mixture_that_could_not_be_undone_is_bent_until_it_can():
    flat = ToneNumbers(matrix=((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 1.001)))
    values = np.linalg.svd(flat.blend(1.0).matrix)[1]
    assert 0.25 - 1e-9 <= values.min() < values.max() <= 3.01


def test_grey_stays_exactly_grey():
    grey = random_levels()[:, :1].expand(-1, 3, -1, -1)
    made = STRONG.without_colour().apply(grey)
    assert torch.equal(made[:, 0], made[:, 1])
    assert torch.equal(made[:, 1], made[:, 2])
    assert not torch.equal(made[:, 0], grey[:, 0])


def test_a_part_of_a_picture_is_toned_as_within_the_whole():
    levels = random_levels(67)
    whole = STRONG.apply(levels)
    for top, left, bottom, right in ((0, 0, 1, 1), (3, 5, 40, 66), (66, 0, 67, 67)):
        window = (..., slice(top, bottom), slice(left, right))
        assert torch.equal(STRONG.apply(levels[window]), whole[window])


def test_numbers_pass_through_json():
    assert tone_from_json(STRONG.to_json()) == STRONG
    for wrong in ({}, {"gamma": [1], "matrix": [[1]], "offset": [0]}):
        with pytest.raises(InvalidInputError, match="tone must hold"):
            tone_from_json(wrong)


def test_a_published_network_says_the_same_and_is_small():
    network = awake(16)
    data = pack_weights({"tone_ema": network}, {"preset": asdict(TonePreset())})
    thumbnail = np.random.default_rng(1).random((32, 32, 3), dtype=np.float32)
    assert load_tone(data).guess(thumbnail) == network.guess(thumbnail)
    assert not network.guess(thumbnail).is_identity
    width = PRESETS["tiny"].tone.width
    assert sum(p.numel() for p in ToneNetwork(width).parameters()) <= 30_000


def test_weights_of_another_kind_are_refused():
    data = pack_weights({"generator_ema": ToneNetwork(4)}, {"preset": {"width": 4}})
    with pytest.raises(CorruptAssetError, match="kind tone"):
        load_tone(data)


def test_every_weight_learns():
    network = awake()
    network.train()
    parts = network(torch.rand(2, 3, 32, 32))
    sum(part.square().sum() for part in parts).backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None, name
        assert weights.grad.abs().sum() > 0, name

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from artgan.enhance.chain import Chain
from artgan.enhance.scan import enhance_image
from artgan.errors import InvalidInputError
from artgan.imaging.colour import image_from_array
from artgan.models.finisher import Denoiser, Upscaler
from artgan.models.tone import ToneNumbers

TONE = ToneNumbers(
    (1.1, 0.9, 0.8), ((1.2, -0.1, 0.0), (0.0, 1.1, -0.1), (-0.1, 0.0, 1.3)), (-0.03, 0.0, 0.02)
)


def awake(network):
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.normal_(part.weight, std=0.08)
    return network.eval()


@pytest.fixture(scope="module")
def chain():
    return Chain(
        denoiser=awake(Denoiser((16, 16), (1, 1))),
        denoise_strength=0.7,
        tone=TONE,
        upscaler=awake(Upscaler(16, 1)),
        upscale_strength=0.8,
        factor=2,
    )


def only_tone(chain):
    return replace(chain, denoiser=None, upscaler=None, factor=1)


def same_size(chain):
    return replace(chain, upscaler=None, factor=1)


def scan(height, width, channels=3, dtype=np.uint8):
    """A picture with large shapes and fine noise."""
    rng = np.random.default_rng(height + width)
    y, x = np.mgrid[0:height, 0:width]
    waves = np.stack([np.sin(x / (9 + c)) * np.cos(y / (14 - c)) for c in range(channels)], 2)
    levels = 0.5 + 0.35 * waves + rng.normal(0, 0.04, waves.shape)
    return (levels.clip(0, 1) * np.iinfo(dtype).max).astype(dtype)


def enhanced(array, chain, folder, tile_px=64, *, is_grey=False):
    path = folder / "pixels.raw"
    image = image_from_array(array)
    canvas, account = enhance_image(image, chain, path, is_grey=is_grey, tile_px=tile_px)
    return canvas.image().numpy().reshape(canvas.shape), account


@pytest.mark.parametrize("size", [(1, 1), (37, 211), (160, 97)])
@pytest.mark.parametrize(
    ("channels", "dtype"), [(1, np.uint16), (2, np.uint8), (3, np.uint8), (4, np.uint16)]
)
def test_the_result_does_not_depend_on_the_tile(chain, tmp_path, size, channels, dtype):
    array = scan(*size, channels, dtype)
    for one in (chain, same_size(chain)):
        whole, account = enhanced(array, one, tmp_path, 512)
        assert whole.shape == (one.factor * size[0], one.factor * size[1], channels)
        assert whole.dtype == dtype
        for tile_px in (32, 64):
            made, counted = enhanced(array, one, tmp_path, tile_px)
            assert np.array_equal(made, whole)
            assert counted == account


def test_four_times_is_twice_twice_and_does_not_depend_on_the_tile(chain, tmp_path):
    array = scan(45, 101)
    four = replace(chain, factor=4)
    whole, _ = enhanced(array, four, tmp_path, 512)
    assert whole.shape == (180, 404, 3)
    for tile_px in (32, 64):
        assert np.array_equal(enhanced(array, four, tmp_path, tile_px)[0], whole)


def test_alpha_is_copied_and_opaque_stays_opaque_when_enlarged(chain, tmp_path):
    array = scan(50, 70, 4)
    made, _ = enhanced(array, same_size(chain), tmp_path)
    assert np.array_equal(made[..., 3], array[..., 3])
    array[..., 3] = 255
    array[:25, :35, 3] = 0
    larger, _ = enhanced(array, chain, tmp_path)
    assert set(np.unique(larger[60:, :, 3])) == {255}
    assert set(np.unique(larger[:40, :60, 3])) == {0}


def test_grey_stays_grey(chain, tmp_path):
    array = np.repeat(scan(48, 80, 1), 3, axis=2)
    grey = replace(chain, tone=TONE.without_colour())
    made, _ = enhanced(array, grey, tmp_path, is_grey=True)
    assert np.array_equal(made[..., 0], made[..., 1])
    assert np.array_equal(made[..., 1], made[..., 2])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_nothing_chosen_or_strength_zero_changes_nothing(chain, tmp_path, dtype):
    array = scan(70, 90, 3, dtype)
    still = replace(same_size(chain), denoise_strength=0.0, tone=ToneNumbers())
    for one in (still, Chain()):
        made, account = enhanced(array, one, tmp_path)
        assert np.array_equal(made, array)
        assert account.changed_pixels == 0


def test_tone_is_undone_by_its_numbers_and_that_is_tried(chain, tmp_path):
    array = scan(96, 128, 3, np.uint16)
    made, account = enhanced(array, only_tone(chain), tmp_path)
    clipped = ((made == 0) | (made == 65_535)).any(axis=2)
    levels = torch.from_numpy(made / np.float64(65_535)).permute(2, 0, 1)[None]
    back = TONE.invert(levels)[0].permute(1, 2, 0).numpy()
    assert np.abs(back - array / 65_535)[~clipped].max() < 1e-3
    assert account.changed_pixels > 0.99 * array.shape[0] * array.shape[1]
    assert account.clipped_pixels == pytest.approx(clipped.sum(), rel=0.02)
    assert 0.5 * 96 * 128 / 16 < account.undone_pixels <= 96 * 128 / 16
    assert account.undone_error < 1e-3


def test_too_little_memory_makes_smaller_tiles_and_the_same_result(chain, tmp_path):
    class Small(Chain):
        """Fails as a device with room for windows of 192 px would."""

        def __call__(self, window):
            if window.shape[2] > 192:
                raise torch.OutOfMemoryError("no room")
            return super().__call__(window)

    array = scan(200, 160)
    small = Small(**{name: getattr(chain, name) for name in chain.__dataclass_fields__})
    made, account = enhanced(array, small, tmp_path, 256)
    expected, counted = enhanced(array, chain, tmp_path, 256)
    assert np.array_equal(made, expected)
    assert account == counted


def test_a_device_without_any_room_says_so(tmp_path):
    class Full(Chain):
        def __call__(self, window):
            raise torch.OutOfMemoryError(f"no room for {window.shape}")

    with pytest.raises(torch.OutOfMemoryError):
        enhanced(scan(64, 64), Full(), tmp_path)


def test_other_tiles_and_factors_are_refused(chain, tmp_path):
    with pytest.raises(InvalidInputError, match="tile_px must be a multiple of 32"):
        enhanced(scan(40, 40), chain, tmp_path, 40)
    with pytest.raises(InvalidInputError, match="factor must be 2 or 4"):
        Chain(factor=2)

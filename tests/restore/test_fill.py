from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from artgan.degrade.masks import random_mask
from artgan.errors import InvalidInputError
from artgan.imaging.canvas import ArrayCanvas, FileCanvas, Window
from artgan.imaging.read import read_rgb
from artgan.models.filler import Filler, load_filler
from artgan.models.prefill import double_to, halve_known, push_pull
from artgan.restore.fill import EffectiveMask, Filling, fill_canvas, fill_scan, run_filler
from artgan.restore.mask import dilate_mask, widen
from artgan.restore.pyramid import DEEP_PX, hole_depth_px
from artgan.training.shipped import starter_bytes
from tests.accelerator import needs_cuda


@pytest.fixture(scope="module")
def filler():
    """A filler with lively weights: far from the identity, so that seams would show."""
    torch.manual_seed(0)
    network = Filler((8, 12, 16), (1, 1, 2)).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0.0, 0.06)
    return network


def scan(height, width, channels=3, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype=dtype)


def damage(height, width, seed=0):
    side = max(height, width, 16)
    return random_mask(side, np.random.default_rng(seed))[:height, :width]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(37, 131), (64, 64), (5, 3)])
def test_everything_outside_the_mask_is_the_source(filler, dtype, channels, height, width):
    source = scan(height, width, channels, dtype)
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 3 : height // 2 + 1, width // 3 : width // 2 + 1] = True
    original = source.copy()
    filled = fill_scan(source, mask, filler)
    assert np.array_equal(source, original)
    assert filled.pixels.dtype == dtype
    assert np.array_equal(filled.pixels[~mask], source[~mask])
    assert not np.array_equal(filled.pixels[mask], source[mask])
    assert filled.unchanged_verified
    changed = (filled.pixels != source).any(axis=2)
    assert filled.changed_pixels == changed.sum() <= mask.sum()


@torch.inference_mode()
def whole_frame(source, mask, filler):
    """Fill a scan without tiles, blocks or canvases: every level is one tensor."""

    def fill(images, holes):
        if hole_depth_px(holes[0, 0].numpy().astype(np.uint8)) <= DEEP_PX:
            start = push_pull(images, holes)
        else:
            halved, known = halve_known(images, 1 - holes)
            coarse = torch.where(known > 0, halved, fill(halved, 1 - known))
            start = torch.where(holes > 0, double_to(coarse, holes.shape[-2:]), images)
        height, width = holes.shape[-2:]
        beyond = (0, -width % 32, 0, -height % 32)
        padded = F.pad(start, beyond, mode="replicate")
        return run_filler(filler, padded, F.pad(holes, beyond))[..., :height, :width]

    colours = 3 if source.shape[2] >= 3 else 1
    peak = float(np.iinfo(source.dtype).max)
    known = torch.from_numpy(source[..., :colours].astype(np.float32)).div(peak)
    images = known.permute(2, 0, 1)[None].expand(-1, 3, -1, -1)
    values = fill(images, torch.from_numpy(mask)[None, None].float())[0].permute(1, 2, 0).double()
    if colours == 1:
        values = values.mean(dim=2, keepdim=True)
    codes = values.clamp(0, 1).mul(peak).round().numpy().astype(source.dtype)
    pixels = source.copy()
    pixels[..., :colours] = np.where(mask[..., None], codes, source[..., :colours])
    return pixels


SIZES = [(1, 1), (1, 300), (5, 3), (37, 131), (64, 64), (131, 201)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_of_any_size_give_what_the_whole_frame_gives(filler, dtype, channels, height, width):
    source = scan(height, width, channels, dtype)
    mask = np.random.default_rng(height).random((height, width)) < 0.2
    mask[height // 3 : height // 3 + 40, width // 4 : width // 4 + 50] = True  # a deep hole
    mask[0, 0] = False
    whole = whole_frame(source, mask, filler) if mask.any() else source
    for tile_px in (32, 96, 512):
        assert np.array_equal(fill_scan(source, mask, filler, tile_px).pixels, whole)


@pytest.mark.parametrize("size", [(1, 256), (32, 320), (64, 160)])
def test_a_pixel_is_the_same_in_small_and_large_windows(filler, size):
    """One small picture would take another way through torch than a large one."""
    values = torch.rand(1, 3, -(-size[0] // 32) * 32, size[1])
    holes = (torch.rand(1, 1, *values.shape[-2:]) < 0.3).float()
    with torch.inference_mode():
        whole = run_filler(filler, values, holes)
        part = run_filler(filler, values[..., :128], holes[..., :128])
    assert torch.equal(part[..., :64], whole[..., :64])


@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 3), (np.uint16, 4), (np.uint16, 1)])
def test_a_scan_in_files_is_filled_as_one_in_memory(filler, tmp_path, dtype, channels):
    source, mask = scan(530, 1033, channels, dtype), np.zeros((530, 1033), bool)
    mask[100:108, 30:1000] = True
    mask[300:340, 500:560] = True

    def canvas(shape, kind, name=None):
        return FileCanvas.zeros(tmp_path / (name or f"level of {shape} {kind}"), shape, kind)

    on_disk = canvas(source.shape, source.dtype, "scan")
    restored = canvas(source.shape, source.dtype, "restored")
    marked = canvas((*mask.shape, 1), np.dtype(np.uint8), "marked")
    effective = canvas((*mask.shape, 1), np.dtype(np.uint8), "effective")
    everything = Window(0, 530, 0, 1033)
    on_disk.write(everything, source)
    restored.write(everything, source)
    marked.write(everything, mask[..., None].astype(np.uint8))
    cells = widen(marked, effective)
    fill_canvas(on_disk, EffectiveMask(effective, cells), restored, Filling(filler, 128), canvas)
    expected = fill_scan(source, mask, filler)
    assert np.array_equal(restored.read(everything), expected.pixels)
    assert np.array_equal(effective.read(everything)[..., 0] > 0, expected.mask_effective)
    assert np.array_equal(on_disk.read(everything), source)


class Scarce(Filler):
    """A filler on a device that holds windows of so many pixels and no more."""

    room_px = 260 * 260
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def forward(self, prefill, mask):
        if mask.numel() > self.room_px:
            raise self.error
        return super().forward(prefill, mask)


def scarce(filler, error=Scarce.error):
    network = Scarce(filler.widths, filler.blocks).eval()
    network.load_state_dict(filler.state_dict())
    network.error = error
    return network


@pytest.mark.parametrize(
    "error",
    [
        Scarce.error,
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_when_memory_does_not_suffice_tiles_get_smaller_and_the_result_is_the_same(
    filler, error, caplog
):
    source, mask = scan(420, 300), damage(420, 300, 3)
    how = Filling(scarce(filler, error), 512)
    pixels = fill_with(source, mask, how)
    assert np.array_equal(pixels, fill_scan(source, mask, filler).pixels)
    assert how.tile_px == 128
    assert [one.message for one in caplog.records] == [
        f"out of memory; the run goes on with tiles of {side} px" for side in (256, 128)
    ]


def test_an_error_that_is_not_about_memory_is_not_tried_again(filler):
    source, mask = scan(420, 300), damage(420, 300, 3)
    with pytest.raises(RuntimeError, match="size mismatch"):
        fill_with(source, mask, Filling(scarce(filler, RuntimeError("size mismatch")), 512))
    network = scarce(filler)
    network.room_px = 0
    with pytest.raises(torch.OutOfMemoryError):
        fill_with(source, mask, Filling(network, 512))


def fill_with(source, mask, how):
    pixels, effective = source.copy(), np.zeros((*mask.shape, 1), np.uint8)
    cells = widen(ArrayCanvas(mask[..., None].astype(np.uint8)), ArrayCanvas(effective))
    masks = EffectiveMask(ArrayCanvas(effective), cells)
    fill_canvas(
        *(ArrayCanvas(source), masks, ArrayCanvas(pixels), how),
        lambda shape, dtype: ArrayCanvas(np.zeros(shape, dtype)),
    )
    return pixels


def test_strength_mixes_the_fill_with_what_was_there(filler):
    source, mask = scan(64, 64, dtype=np.uint16), damage(64, 64)
    none, half, full = (fill_scan(source, mask, filler, strength=s).pixels for s in (0, 0.5, 1))
    assert np.array_equal(none, source)
    middle = (full.astype(float) + source) / 2
    assert np.abs(half - middle).max() <= 0.75
    assert np.array_equal(full, fill_scan(source, mask, filler).pixels)


def test_sixteen_bits_are_kept(filler):
    source = scan(64, 64, dtype=np.uint16)
    filled = fill_scan(source, damage(64, 64), filler)
    inside = filled.pixels[filled.mask_effective]
    # eight bits widened to sixteen would be multiples of 257
    assert (inside % 257 != 0).mean() > 0.9
    eight = fill_scan((source >> 8).astype(np.uint8), damage(64, 64), filler)
    difference = inside / 65535 - eight.pixels[filled.mask_effective] / 255
    assert np.abs(difference).mean() < 0.01


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_copied(filler, channels):
    source = scan(48, 48, channels)
    filled = fill_scan(source, damage(48, 48), filler)
    assert np.array_equal(filled.pixels[..., -1], source[..., -1])


def test_grey_stays_grey_and_does_not_depend_on_how_it_is_stored(filler):
    grey, mask = scan(48, 48, 1), damage(48, 48)
    one = fill_scan(grey, mask, filler).pixels
    three = fill_scan(np.repeat(grey, 3, axis=2), mask, filler).pixels
    assert np.array_equal(np.repeat(one, 3, axis=2), three)


def test_what_lies_under_the_mask_is_ignored(filler):
    source, mask = scan(64, 80), damage(64, 80)
    spoiled = np.where(mask[..., None], 255, source).astype(np.uint8)
    first, second = fill_scan(source, mask, filler), fill_scan(spoiled, mask, filler)
    assert np.array_equal(first.pixels, second.pixels)


def test_an_empty_mask_changes_nothing(filler):
    source = scan(40, 40)
    filled = fill_scan(source, np.zeros((40, 40), dtype=bool), filler)
    assert np.array_equal(filled.pixels, source)
    assert filled.changed_pixels == 0


def test_the_mask_grows_by_a_thousandth_of_the_short_side(filler):
    source, mask = scan(1100, 1030), np.zeros((1100, 1030), dtype=bool)
    mask[500, 500] = True
    effective = fill_scan(source, mask, filler).mask_effective
    assert effective.sum() == 5
    small = fill_scan(source[:500, :500], np.eye(500, dtype=bool), filler)
    assert np.array_equal(small.mask_effective, np.eye(500, dtype=bool))


def test_deep_holes_do_not_depend_on_the_tile_size_either(filler):
    source, mask = scan(230, 301), np.zeros((230, 301), dtype=bool)
    mask[40:151, 60:191] = True
    whole = fill_scan(source, mask, filler, tile_px=1024)
    assert np.array_equal(whole.pixels[~mask], source[~mask])
    for tile_px in (32, 96):
        assert np.array_equal(fill_scan(source, mask, filler, tile_px).pixels, whole.pixels)


def test_a_network_that_corrects_nothing_leaves_deep_holes_smooth():
    """Filling at half the size first must neither shift nor darken anything."""
    rows, columns = np.mgrid[0:201, 0:255]
    source = np.stack([rows, columns, (rows + columns) // 2], axis=-1).astype(np.uint8)
    mask = np.zeros((201, 255), dtype=bool)
    mask[80:121, 100:155] = True
    filled = fill_scan(source, mask, Filler((4, 8), (1, 1)).eval()).pixels
    error = filled.astype(float) - source
    assert np.abs(error[mask]).max() < 16
    assert abs(error[mask].mean()) < 1


def test_depth_is_the_distance_to_the_nearest_known_pixel():
    mask = np.zeros((40, 60), np.uint8)
    mask[10:31] = 1
    assert hole_depth_px(mask) == pytest.approx(11.0, abs=0.6)
    mask[:31] = 1  # a hole that reaches the frame is known from one side only
    assert hole_depth_px(mask) == pytest.approx(31.0, abs=1.5)


def test_dilation_is_a_disc():
    mask = np.zeros((21, 21), dtype=bool)
    mask[10, 10] = True
    grown = dilate_mask(mask, 4)
    rows, columns = grown.nonzero()
    assert np.hypot(rows - 10, columns - 10).max() <= 4.5
    assert grown[10, 6]
    assert grown[14, 10]
    assert not grown[14, 14]


def test_unfit_scans_and_masks_are_refused(filler):
    source = scan(32, 32)
    with pytest.raises(InvalidInputError, match="scan must be uint8 or uint16"):
        fill_scan(source.astype(np.float32), damage(32, 32), filler)
    with pytest.raises(InvalidInputError, match="scan must be uint8 or uint16"):
        fill_scan(source[..., 0], damage(32, 32), filler)
    with pytest.raises(InvalidInputError, match="mask must be bool"):
        fill_scan(source, damage(32, 32).astype(np.uint8), filler)
    with pytest.raises(InvalidInputError, match="must be bool of shape"):
        fill_scan(source, damage(32, 31), filler)
    with pytest.raises(InvalidInputError, match="some pixels known"):
        fill_scan(source, np.ones((32, 32), dtype=bool), filler)
    with pytest.raises(InvalidInputError, match="multiple of 32"):
        fill_scan(source, damage(32, 32), filler, tile_px=48)
    with pytest.raises(InvalidInputError, match=r"strength must be from 0 to 1, got 1\.5"):
        fill_scan(source, damage(32, 32), filler, strength=1.5)


@pytest.fixture
def starter() -> Filler:
    """The filler that comes with artgan."""
    return load_filler(starter_bytes())


@pytest.fixture
def painting(real_data):
    """A real scan of 16 bits, and damage of it."""
    path = sorted((real_data / "scans" / "old_masters").iterdir())[0]
    source = read_rgb(path.read_bytes(), 500).astype(np.uint16) * 257
    return source, damage(*source.shape[:2], 3)


@needs_cuda
def test_a_real_scan_is_filled_on_an_accelerator_as_on_the_cpu(starter, painting):
    source, mask = painting
    expected = fill_scan(source, mask, starter).pixels
    found = fill_scan(source, mask, deepcopy(starter).cuda()).pixels
    assert np.array_equal(found[~mask], source[~mask])
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= 64  # of 65,535: a quarter of a code of 8 bits
    assert apart[mask].mean() < 2


@needs_cuda
def test_tiles_leave_no_seam_on_an_accelerator(starter, painting):
    """Its libraries choose how to sum by the size of a window, so that last bits may differ."""
    source, mask = painting
    network = starter.cuda()
    whole = fill_scan(source, mask, network, tile_px=1024).pixels
    for tile_px in (96, 256):
        apart = np.abs(fill_scan(source, mask, network, tile_px).pixels.astype(int) - whole)
        assert apart.max() <= 8  # of 65,535


@pytest.fixture
def little_memory() -> Iterator[None]:
    """An accelerator of which this process may have 300 MB more than it has now."""
    torch.cuda.empty_cache()
    room = torch.cuda.memory_reserved() + 300e6
    torch.cuda.set_per_process_memory_fraction(room / torch.cuda.mem_get_info()[1])
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@needs_cuda
@pytest.mark.usefixtures("little_memory")
def test_when_an_accelerators_memory_does_not_suffice_tiles_get_smaller(starter, caplog):
    source, mask = scan(1200, 1200), np.ones((1200, 1200), bool)
    mask[np.arange(1200) % 16 < 5] = False  # the mask grows by a pixel
    how = Filling(starter.cuda(), 1024)
    pixels = fill_with(source, mask, how)
    assert how.tile_px < 1024
    assert "out of memory" in caplog.text
    small = fill_scan(source, mask, starter, tile_px=256).pixels
    assert np.abs(pixels.astype(int) - small).max() <= 1

import numpy as np

from artgan.presets import DAMAGE_CLASSES, OPAQUE
from artgan.restore.detect import DetectOptions, detect_scan
from artgan.restore.marking import legend, marked, overview
from tests.restore.white import white_detector


def test_only_what_is_marked_is_tinted_and_a_line_runs_around_it():
    picture = np.full((40, 60, 3), 100, np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[10:20, 20:40] = True
    shown = marked(picture, mask, np.array([200.0, 0.0, 0.0], np.float32))
    assert (shown[15, 30] == [145, 55, 55]).all()
    assert (shown[9, 30] == [200, 0, 0]).all()
    around = np.zeros_like(mask)
    around[9:21, 19:41] = True
    assert np.array_equal((shown != picture).any(axis=2), around)


def test_an_overview_shows_each_class_in_its_colour_with_a_legend():
    picture = np.full((120, 200, 3), 60, np.uint8)
    picture[30:60, 50:90] = 255
    colours = {}
    for kind in ("losses", "tear"):
        found = detect_scan(picture, white_detector(kind), DetectOptions(OPAQUE))
        large = overview(picture.repeat(2, axis=0).repeat(2, axis=1), found)
        assert large.shape[0] > 240
        assert large.shape[1] == 400
        assert (large[10, 10] == 60).all()
        colours[kind] = tuple(large[90, 140].tolist())
        legend_colours = {tuple(pixel) for pixel in large[240:].reshape(-1, 3).tolist()}
        # the tint is 0.45 of the class's colour over white
        pure = tuple(round((value - 0.55 * 255) / 0.45) for value in colours[kind])
        assert any(np.abs(np.subtract(one, pure)).max() <= 3 for one in legend_colours)
    assert colours["losses"] != colours["tear"]


def test_a_legend_takes_as_many_lines_as_it_needs():
    wide, narrow = legend(2000, DAMAGE_CLASSES), legend(300, DAMAGE_CLASSES)
    assert wide.shape[0] < narrow.shape[0]
    assert (wide[:, -5:] == 255).all()

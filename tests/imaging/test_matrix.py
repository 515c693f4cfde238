import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from artgan.imaging.colour import is_srgb, srgb_profile
from artgan.imaging.matrix import matrix_conversion
from artgan.sample.icc import ADOBE_RGB, DISPLAY_P3, profile_bytes


def by_littlecms(array, icc):
    converted = ImageCms.profileToProfile(
        Image.fromarray(array),
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return np.asarray(converted).astype(int)


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
def test_sums_over_strips_come_out_as_littlecms_does(space):
    icc = profile_bytes(space)
    convert = matrix_conversion(icc)
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    for picture in (noise, cv2.GaussianBlur(noise, (0, 0), 5)):
        difference = np.abs(convert(picture).astype(int) - by_littlecms(picture, icc))
        assert difference.max() <= 2
        assert (difference > 1).mean() < 1e-3
        assert difference.mean() < 0.3


def test_real_profiles_of_museums_are_curves_and_a_matrix(real_data):
    seen = {}
    for path in sorted((real_data / "scans" / "van_gogh").iterdir()):
        if not path.name.endswith(".jpg"):
            continue
        with Image.open(path) as image:
            icc = image.info.get("icc_profile")
            if icc:
                seen[icc] = image.convert("RGB")
    converted = 0
    for icc, image in seen.items():
        convert = matrix_conversion(icc)
        if convert is None:
            continue
        converted += 1
        picture = np.asarray(image)
        difference = np.abs(convert(picture).astype(int) - by_littlecms(picture, icc))
        assert difference.max() <= 2
        assert difference.mean() < 0.3
    assert converted >= 1


def test_a_profile_that_no_matrix_describes_is_left_to_littlecms():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert not is_srgb(lab)
    # The colours of one profile under the header of another: nothing that sums could follow.
    assert matrix_conversion(profile_bytes(ADOBE_RGB)) is not None


def test_our_own_profile_and_that_of_littlecms_are_srgb_and_wide_ones_are_not():
    assert is_srgb(srgb_profile())
    assert is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert not is_srgb(profile_bytes(ADOBE_RGB))
    assert not is_srgb(profile_bytes(DISPLAY_P3))
    assert not is_srgb(b"no profile at all, only bytes")

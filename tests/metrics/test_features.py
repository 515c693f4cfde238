import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional as F

from artgan.errors import CorruptAssetError, InvalidInputError, MissingAssetError
from artgan.metrics.features import extract, load_extractor, normalise, random_extractor
from artgan.metrics.frechet import frechet_distance
from artgan.metrics.preprocess import to_clean_fid, to_pytorch_fid, to_square
from artgan.metrics.pyramid import RandomPyramid

VGG = "vgg19_conv1_1-conv3_4.safetensors"
INCEPTION = "pt_inception-2015-12-05-6726825d.pth"


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_without_weights_the_random_network_is_taken_and_says_so():
    extractor = load_extractor(None)
    assert (extractor.name, extractor.label) == ("random-conv-seed0", "FD-random")
    assert not extractor.is_fid
    assert extractor.preprocessing == "bicubic-antialias-64"


def test_requiring_fid_without_its_weights_says_what_to_do(tmp_path):
    with pytest.raises(MissingAssetError, match=r"Download it from https://.* into a folder"):
        load_extractor(str(tmp_path), require_fid=True)


def test_inception_file_of_other_bytes_is_an_error_and_no_reason_for_a_stand_in(tmp_path):
    (tmp_path / INCEPTION).write_bytes(b"half a download")
    with pytest.raises(CorruptAssetError, match="6726825d"):
        load_extractor(str(tmp_path))


def test_file_that_holds_no_known_weights_is_refused(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"something else")
    with pytest.raises(InvalidInputError, match="known file"):
        load_extractor(str(path))


def test_random_network_has_the_same_weights_on_every_machine():
    wanted = "e3aa079af7405475731adec8ec032b3bfcd62b86ad0550a2802523e154018784"
    assert RandomPyramid(0).sha256() == wanted
    assert RandomPyramid(1).sha256() != wanted


def test_random_network_gives_192_finite_features_that_differ_between_pictures():
    found = extract(random_extractor(), [noise(32, 32, 3), noise(32, 32, 3, seed=1) // 2])
    assert found.shape == (2, 192)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert np.abs(found[0] - found[1]).max() > 0.01


def test_pictures_of_several_sizes_give_what_each_gives_alone():
    mixed = [noise(32, 32, 3), noise(10, 90, 3), noise(128, 64, 3), noise(4, 4, 3)]
    together = extract(random_extractor(), mixed, batch_size=3)
    alone = np.concatenate([extract(random_extractor(), [picture]) for picture in mixed])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_batch_and_pictures_give_the_same_features():
    picture = noise(40, 40, 3)
    batch = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0
    found = random_extractor().features(batch).double().numpy()
    np.testing.assert_allclose(found, extract(random_extractor(), [picture]), rtol=1e-5, atol=1e-6)


def test_no_pictures_or_a_wrong_kind_are_refused():
    with pytest.raises(InvalidInputError, match="at least one picture"):
        extract(random_extractor(), [])
    with pytest.raises(InvalidInputError, match="uint8"):
        extract(random_extractor(), [np.zeros((8, 8, 3))])
    with pytest.raises(InvalidInputError, match="float32"):
        random_extractor().features(torch.zeros(1, 3, 8, 8, dtype=torch.float64))


def test_preprocessings_have_their_ranges_and_differ():
    ramp = torch.linspace(0, 1, 400).expand(1, 3, 400, 400).contiguous()
    pytorch_fid, clean = to_pytorch_fid(ramp), to_clean_fid(ramp)
    assert pytorch_fid.shape == clean.shape == (1, 3, 299, 299)
    assert pytorch_fid.min() == pytest.approx(-1.0, abs=0.01)
    assert pytorch_fid.max() == pytest.approx(1.0, abs=0.01)
    # clean-fid's white is 127/128, and its scale stands 1/256 below the other one's black
    white = to_clean_fid(torch.ones(1, 3, 9, 9))
    assert float(white.mean()) == pytest.approx(127 / 128, abs=1e-6)
    checker = (torch.arange(600)[:, None] + torch.arange(600)) % 2
    checker = checker.float().expand(1, 3, 600, 600).contiguous()
    assert float(to_clean_fid(checker).std()) < 0.1 < float(to_pytorch_fid(checker).std())


def test_square_keeps_values_in_range_at_sharp_edges():
    edge = torch.zeros(1, 3, 16, 16)
    edge[..., 8:] = 1.0
    scaled = to_square(edge, 64)
    assert float(scaled.min()) == 0.0
    assert float(scaled.max()) == 1.0


def test_normalised_features_do_not_depend_on_scale_or_shift():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(50, 8)), rng.normal(size=(30, 8)) + 1.0
    first = normalise(real, generated)
    second = normalise(1e3 * real + 7.0, 1e3 * generated + 7.0)
    np.testing.assert_allclose(first[1], second[1], atol=1e-9)
    assert first[0].var(axis=0, ddof=1).mean() == pytest.approx(1.0)
    np.testing.assert_allclose(first[0].mean(axis=0), 0.0, atol=1e-12)
    scale = real.var(axis=0, ddof=1).mean()
    wanted = frechet_distance(real, generated) / scale
    assert frechet_distance(*first) == pytest.approx(wanted, rel=1e-9)


def test_equal_real_features_have_no_scale():
    with pytest.raises(InvalidInputError, match="works that differ"):
        normalise(np.ones((5, 3)), np.zeros((5, 3)))


def test_vgg_is_taken_from_a_folder_and_from_its_file(data_folder, tmp_path):
    folder = load_extractor(str(data_folder / "weights"))
    assert folder.label in ("FD-VGG19c34", "FID (pytorch-fid)")
    extractor = load_extractor(str(data_folder / "weights" / VGG), vgg_size_px=96)
    assert (extractor.name, extractor.label) == ("vgg19-conv3_4", "FD-VGG19c34")
    assert extractor.preprocessing == "bicubic-antialias-96"
    assert extractor.weights_sha256.startswith("b78ab02b")
    damaged = tmp_path / VGG
    shutil.copyfile(data_folder / "weights" / VGG, damaged)
    damaged.chmod(0o644)
    with damaged.open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff")
    with pytest.raises(CorruptAssetError, match="b78ab02b"):
        load_extractor(str(tmp_path))


def test_vgg_features_are_those_of_its_layers_one_after_another(data_folder):
    weights = safetensors.torch.load_file(data_folder / "weights" / VGG)
    extractor = load_extractor(str(data_folder / "weights" / VGG), vgg_size_px=64)
    batch = torch.from_numpy(noise(64, 64, 3)).permute(2, 0, 1)[None].float() / 255.0
    x = (batch - torch.tensor([[0.485], [0.456], [0.406]])[..., None]) / torch.tensor(
        [[0.229], [0.224], [0.225]]
    )[..., None]
    for layer in (0, 2, 5, 7, 10, 12, 14, 16):
        if layer in (5, 10):
            x = F.max_pool2d(x, 2)
        weight, bias = weights[f"features.{layer}.weight"], weights[f"features.{layer}.bias"]
        x = F.relu(F.conv2d(x, weight, bias, padding=1))
    found = extractor.features(batch)
    torch.testing.assert_close(found, x.mean(dim=(2, 3)), rtol=1e-4, atol=1e-4)
    assert [m.shape[1] for m in extractor.maps(batch)] == [64, 128, 256]


@pytest.mark.parametrize("stand_in", ["vgg", "random"])
def test_stand_ins_see_more_blur_as_more_distance(data_folder, read_pictures, stand_in):
    location = str(data_folder / "weights" / VGG) if stand_in == "vgg" else None
    extractor = load_extractor(location, vgg_size_px=64)
    real = [picture[::2, ::2] for picture in read_pictures("fid_fixture/real/*.jpg")[::2]]
    reference = extract(extractor, real)
    distances = []
    for sigma in (0.0, 2.0, 5.0, 10.0):
        blurred = [gaussian_filter(picture, (sigma, sigma, 0)) for picture in real]
        distances.append(frechet_distance(*normalise(reference, extract(extractor, blurred))))
    assert distances[0] == pytest.approx(0.0, abs=1e-6)
    assert distances == sorted(distances)
    assert distances[1] > 0.1

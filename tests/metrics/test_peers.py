"""The metrics beside the libraries that the field uses; they come with ``artgan[peers]``.

All of them get the seeded network of the test data, under the name of the real file and in a
folder of the test's own. None of these numbers is a FID.
"""

import numpy as np
import pytest
import torch

from artgan.metrics.diversity import precision_recall
from artgan.metrics.features import extract, inception_extractor
from artgan.metrics.frechet import frechet_distance
from artgan.metrics.inception import FidInception
from artgan.metrics.kernel import kernel_distance
from artgan.metrics.paired import ms_ssim, psnr, ssim

FILE = "pt_inception-2015-12-05-6726825d.pth"
MISSING = "not installed; pip install artgan[peers]"


def peer(module):
    return pytest.importorskip(module, reason=f"{module} is {MISSING}")


@pytest.fixture(scope="module")
def torch_home(synthetic_weights, tmp_path_factory):
    home = tmp_path_factory.mktemp("torch")
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(synthetic_weights, folder / FILE)
    return home


@pytest.fixture(scope="module")
def folders(data_folder):
    return [str(data_folder / "fid_fixture" / kind) for kind in ("real", "fake")]


@pytest.fixture(scope="module")
def stored(data_folder):
    return np.load(data_folder / "fid_fixture" / "acts_synthetic_f32.npz")


def own_distance(synthetic_weights, read_pictures, preprocessing):
    extractor = inception_extractor(FidInception(synthetic_weights), "0" * 64, preprocessing)
    kinds = ("real", "fake")
    sets = [extract(extractor, read_pictures(f"fid_fixture/{kind}/*.jpg")) for kind in kinds]
    return frechet_distance(*sets)


@pytest.mark.slow
def test_whole_path_is_that_of_pytorch_fid(
    torch_home, folders, synthetic_weights, read_pictures, monkeypatch
):
    theirs = peer("pytorch_fid.fid_score")
    monkeypatch.setenv("TORCH_HOME", str(torch_home))
    found = theirs.calculate_fid_given_paths(folders, 24, "cpu", 2048, num_workers=0)
    assert found == pytest.approx(16.458425, rel=1e-6)
    own = own_distance(synthetic_weights, read_pictures, "pytorch-fid-0.3")
    assert own == pytest.approx(found, rel=1e-4)


@pytest.mark.slow
def test_whole_path_is_that_of_clean_fid(
    torch_home, folders, synthetic_weights, read_pictures, monkeypatch
):
    theirs = peer("cleanfid.fid")
    inception = peer("pytorch_fid.inception")
    monkeypatch.setenv("TORCH_HOME", str(torch_home))
    network = inception.InceptionV3([3], resize_input=False, normalize_input=False).eval()

    def features(images):
        # clean-fid's own network takes codes of 8 bits and scales them inside
        return network((images - 128.0) / 128.0)[0].flatten(1)

    # its features and our distance: its own takes a minute, and is that of pytorch-fid
    fixed = {"num_workers": 0, "batch_size": 24, "device": torch.device("cpu"), "verbose": False}
    sets = [theirs.get_folder_features(one, features, mode="clean", **fixed) for one in folders]
    found = frechet_distance(*sets)
    assert found == pytest.approx(18.195456, rel=1e-4)
    own = own_distance(synthetic_weights, read_pictures, "clean-fid-0.1.35")
    assert own == pytest.approx(found, rel=1e-6)


def test_distance_of_more_pictures_than_features_is_that_of_pytorch_fid():
    theirs = peer("pytorch_fid.fid_score")
    rng = np.random.default_rng(0)
    turn = rng.normal(size=(48, 48))
    real, made = rng.normal(size=(300, 48)) @ turn, rng.normal(size=(200, 48)) + 0.3
    sides = [(x.mean(axis=0), np.cov(x, rowvar=False)) for x in (real, made)]
    found = theirs.calculate_frechet_distance(*sides[0], *sides[1])
    assert frechet_distance(real, made) == pytest.approx(found, rel=1e-8)


@pytest.mark.parametrize(("real", "made"), [("real", "fake"), ("proc_a", "proc_b")])
def test_kernel_distance_is_that_of_torch_fidelity_with_all_pictures_in_a_subset(
    stored, real, made
):
    theirs = peer("torch_fidelity.metric_kid")
    sets = [stored[name].astype(np.float64) for name in (real, made)]
    found = theirs.kid_features_to_metric(
        *map(torch.from_numpy, sets), kid_subsets=3, kid_subset_size=len(sets[0]), verbose=False
    )
    wanted = found["kernel_inception_distance_mean"]
    assert found["kernel_inception_distance_std"] == pytest.approx(0.0, abs=1e-12)
    assert kernel_distance(*sets).value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("k", [3, 5])
def test_precision_and_recall_are_those_of_torch_fidelity(stored, k):
    theirs = peer("torch_fidelity.metric_prc")
    real, made = stored["proc_a"], stored["proc_b"]
    # this version takes the generated ones first
    found = theirs.prc_features_to_metric(
        torch.from_numpy(made), torch.from_numpy(real), prc_neighborhood=k, verbose=False
    )
    own = precision_recall(real, made, k)
    assert own.precision == pytest.approx(found["precision"])
    assert own.recall == pytest.approx(found["recall"])


def grey_pair(read_pictures):
    """A photograph in grey and a damaged copy, as libraries without our luma see them."""
    picture = read_pictures("fid_fixture/real/*.jpg")[0].mean(axis=2)
    grain = np.random.default_rng(0).normal(0, 12, picture.shape)
    pair = (picture, np.clip(np.roll(picture, 1, axis=1) + grain, 0, 255))
    return [np.repeat(np.rint(x)[..., None], 3, axis=2).astype(np.uint8) for x in pair]


def test_similarity_of_pictures_is_that_of_piq(read_pictures):
    theirs = peer("piq")
    truth, result = grey_pair(read_pictures)
    batches = [torch.from_numpy(x[..., 0].copy()).double()[None, None] for x in (result, truth)]
    found = theirs.multi_scale_ssim(*batches, data_range=255.0)
    assert ms_ssim(result, truth) == pytest.approx(float(found), rel=1e-9)
    found = theirs.ssim(*batches, data_range=255.0, downsample=False)
    assert ssim(result, truth) == pytest.approx(float(found), rel=1e-9)
    assert psnr(result, truth) == pytest.approx(float(theirs.psnr(*batches, data_range=255.0)))

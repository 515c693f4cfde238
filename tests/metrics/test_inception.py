import hashlib

import numpy as np
import pytest
import torch

from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.metrics.diversity import density_coverage
from artgan.metrics.features import extract, inception_extractor
from artgan.metrics.frechet import frechet_distance
from artgan.metrics.inception import FidInception, load_inception
from artgan.metrics.kernel import kernel_distance

UNVERIFIED = "0" * 64


@pytest.fixture(scope="module")
def network(synthetic_weights):
    return FidInception(synthetic_weights)


@pytest.fixture(scope="module")
def extractor(network):
    return inception_extractor(network, UNVERIFIED)


@pytest.fixture(scope="module")
def measured(network, extractor, read_pictures):
    """Features of both picture sets, and the means of three earlier stages on the way."""
    found = {name: [] for name in ("maxpool1", "maxpool2", "Mixed_6e")}
    hooks = [
        network.stages[name].register_forward_hook(
            lambda _module, _inputs, x, name=name: found[name].append(x.mean(dim=(2, 3)))
        )
        for name in found
    ]
    sets = {}
    for kind in ("real", "fake"):
        final = extract(extractor, read_pictures(f"fid_fixture/{kind}/*.jpg"), batch_size=24)
        sets[kind] = {name: stage.pop().double().numpy() for name, stage in found.items()}
        sets[kind]["final"] = final
    for hook in hooks:
        hook.remove()
    return sets


def test_synthetic_network_has_the_472_tensors_that_the_expected_numbers_were_made_with(
    synthetic_weights,
):
    digest = hashlib.sha256()
    for name in sorted(synthetic_weights):
        digest.update(synthetic_weights[name].numpy().tobytes())
    assert len(synthetic_weights) == 472
    assert digest.hexdigest() == "42d001538d0080cdf869035710399a978e87a9a34df904d55c7ea4739632a6b6"


def test_whole_path_gives_the_distance_of_pytorch_fid(measured, expected):
    numbers = expected["real_vs_fake"]
    real, generated = measured["real"]["final"], measured["fake"]["final"]
    distance = frechet_distance(real, generated)
    assert distance == pytest.approx(numbers["fd_exact_lowrank"], rel=1e-6)
    assert distance == pytest.approx(numbers["fd_pytorchfid_scipy_sqrtm"], rel=1e-4)
    assert real[0, :5] == pytest.approx(numbers["act_first5_real"], abs=1e-5)


def test_whole_path_gives_the_expected_kid_density_and_coverage(measured, expected):
    numbers = expected["real_vs_fake"]
    real, generated = measured["real"]["final"], measured["fake"]["final"]
    kid = kernel_distance(real, generated).value
    assert kid == pytest.approx(numbers["kid_full_unbiased"], rel=1e-5)
    for k in (3, 5):
        found, wanted = density_coverage(real, generated, k), numbers[f"prdc_k{k}"]
        assert found.density == pytest.approx(wanted["density"])
        assert found.coverage == pytest.approx(wanted["coverage"])


@pytest.mark.parametrize(
    ("stage", "dims"), [("maxpool1", 64), ("maxpool2", 192), ("Mixed_6e", 768)]
)
def test_earlier_stages_give_the_distances_of_pytorch_fid(measured, expected, stage, dims):
    distance = frechet_distance(measured["real"][stage], measured["fake"][stage])
    wanted = expected["real_vs_fake_by_library"][f"pytorch-fid dims={dims}"]
    assert distance == pytest.approx(wanted, rel=1e-4)


@pytest.mark.slow
def test_clean_preprocessing_gives_the_distance_of_clean_fid(network, read_pictures, expected):
    clean = inception_extractor(network, UNVERIFIED, "clean-fid-0.1.35")
    real, generated = (
        extract(clean, read_pictures(f"fid_fixture/{kind}/*.jpg")) for kind in ("real", "fake")
    )
    numbers = expected["real_vs_fake"]
    distance = frechet_distance(real, generated)
    assert distance == pytest.approx(numbers["fd_clean_exact_lowrank"], rel=1e-5)
    wanted = expected["real_vs_fake_by_library"]["clean-fid mode=clean ((x-128)/128)"]
    assert distance == pytest.approx(wanted, rel=1e-4)


@pytest.mark.slow
def test_procedural_pictures_give_the_expected_distance(extractor, procedural, expected):
    first = extract(extractor, procedural(second_kind=False, n=32, size=320, seed=0))
    second = extract(extractor, procedural(second_kind=True, n=32, size=320, seed=1))
    wanted = expected["proc_a_vs_proc_b"]
    distance = frechet_distance(first, second)
    assert distance == pytest.approx(wanted["fd_exact_lowrank"], rel=1e-6)
    assert first.sum() == pytest.approx(wanted["act_sum_real"], rel=1e-6)


def test_batch_size_and_neighbours_of_other_sizes_do_not_change_features(extractor):
    rng = np.random.default_rng(0)
    shapes = [(40, 70, 3), (299, 299, 3), (350, 64, 3)]
    mixed = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    together = extract(extractor, mixed, batch_size=3)
    alone = extract(extractor, mixed, batch_size=1)
    assert together.shape == (3, 2048)
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


def test_maps_come_finest_first_and_are_not_negative(extractor):
    maps = extractor.maps(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    assert [x.shape[1] for x in maps] == [64, 192, 288]
    assert maps[0].shape[2] > maps[1].shape[2] >= maps[2].shape[2]
    assert all(float(x.min()) >= 0.0 for x in maps)


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_file_of_either_torch_format_loads_the_same_network(
    synthetic_weights, network, tmp_path, zipped
):
    path = tmp_path / "weights.pth"
    torch.save(synthetic_weights, path, _use_new_zipfile_serialization=zipped)
    loaded = load_inception(path).state_dict()
    assert all(torch.equal(loaded[name], x) for name, x in network.state_dict().items())


def test_weights_file_with_code_in_it_is_refused_and_not_run(tmp_path):
    path, witness = tmp_path / "weights.pth", tmp_path / "witness"

    class Payload:
        def __reduce__(self):
            return (type(witness).touch, (witness,))

    torch.save({"fc.bias": Payload()}, path)
    with pytest.raises(CorruptAssetError, match="must fit their network"):
        load_inception(path)
    assert not witness.exists()


def test_weights_that_lack_a_tensor_or_have_another_shape_are_refused(synthetic_weights):
    lacking = {k: v for k, v in synthetic_weights.items() if k != "Mixed_7c.branch1x1.bn.bias"}
    with pytest.raises(CorruptAssetError, match=r"Mixed_7c\.branch1x1\.bn\.bias"):
        FidInception(lacking)
    with pytest.raises(CorruptAssetError, match="size mismatch"):
        FidInception({**synthetic_weights, "fc.bias": torch.zeros(1000)})


def test_name_fid_is_given_only_to_the_real_weights(network):
    unverified = inception_extractor(network, UNVERIFIED)
    assert not unverified.is_fid
    assert unverified.label == "FD-inception-unverified"
    # what the file of the hash holds is proved where it is found; here only the naming is tested
    real = inception_extractor(network, "6726825d" + "0" * 56, "clean-fid-0.1.35")
    assert real.is_fid
    assert (real.name, real.label) == ("inception-2015-12-05", "clean-FID")


def test_unknown_preprocessing_is_refused(network):
    with pytest.raises(InvalidInputError, match=r"pytorch-fid-0\.3"):
        inception_extractor(network, UNVERIFIED, "nearest")


@pytest.fixture(scope="module")
def real_network(data_folder):
    path = data_folder / "weights" / "pt_inception-2015-12-05-6726825d.pth"
    if not path.is_file():
        pytest.skip("the real FID weights are not in the test data")
    return load_inception(path)


@pytest.fixture(scope="module")
def seeded_noise():
    """The two sets of pictures of torchmetrics' documentation; they need no resizing."""
    torch.manual_seed(42)
    return [torch.randint(*span, (100, 3, 299, 299), dtype=torch.uint8) for span in SPANS]


@pytest.mark.slow
def test_real_weights_give_the_published_distance_of_seeded_noise(real_network, seeded_noise):
    """The 64-feature FID that torchmetrics 1.9 states in its documentation: 12.6388."""
    distance = frechet_distance(*(_first_pool(real_network, x) for x in seeded_noise))
    assert distance == pytest.approx(12.6388, abs=1e-3)


@pytest.mark.slow
def test_real_weights_give_the_published_kernel_distance_of_seeded_noise(
    real_network, seeded_noise
):
    """The KID that torchmetrics 1.9 states, a mean of 100 subsets of half: 0.0312 +- 0.0025."""
    with torch.inference_mode():
        sets = [
            torch.cat([real_network((x.float() - 128.0) / 128.0) for x in pictures.split(10)])
            for pictures in seeded_noise
        ]
    found = kernel_distance(*(features.double().numpy() for features in sets))
    # the mean of subsets estimates what all pictures give; three of its standard errors
    assert found.value == pytest.approx(0.0312, abs=3 * 0.0025 / 10 + 5e-5)


SPANS = ((0, 200), (100, 255))


def _first_pool(network: FidInception, pictures: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        batches = [network.maps((x.float() - 128.0) / 128.0)[0] for x in pictures.split(10)]
    return torch.cat([x.mean(dim=(2, 3)) for x in batches]).double().numpy()

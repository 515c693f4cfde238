"""Both parts of ArtFID, in networks of the right form with weights that were drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.inception import inception_v3

from artgan import weights
from artgan.errors import CorruptAssetError, InvalidInputError
from artgan.metrics import artfid
from artgan.metrics.artfid import load_art_inception, load_lpips, lpips
from artgan.metrics.features import extract, random_extractor
from tests.metrics.art_weights import write_art_weights

SIDE_PX = 72


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    write_art_weights(folder)
    return folder


@pytest.fixture(autouse=True)
def _any_bytes(monkeypatch):
    for name in ("ALEXNET", "LPIPS_HEADS"):
        monkeypatch.setattr(artfid, name, replace(getattr(weights, name), sha256=""))


def pairs():
    rng = np.random.default_rng(1)
    first = rng.integers(0, 256, (3, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    moved = first.astype(int) + rng.integers(-60, 61, first.shape)
    return list(first), list(moved.clip(0, 255).astype(np.uint8))


def test_lpips_is_that_of_its_makers(folder):
    """Expected: lpips 0.1.4, ``LPIPS(net="alex")`` with the same weights."""
    extractor = load_lpips(str(folder), SIDE_PX)
    assert extractor is not None
    expected = [0.10714603215456009, 0.10955002903938293, 0.10411174595355988]
    assert lpips(extractor, *pairs()) == pytest.approx(expected, rel=1e-6)
    assert lpips(extractor, pairs()[0], pairs()[0]) == pytest.approx([0.0] * 3, abs=1e-12)


def test_lpips_refuses_another_network():
    with pytest.raises(InvalidInputError, match=r"AlexNet.*alex\.pth"):
        lpips(random_extractor(), *pairs())


def test_the_inception_of_art_gives_what_comes_before_its_classes(folder):
    extractor = load_art_inception(str(folder), 96)
    assert extractor is not None
    pictures = [np.repeat(np.repeat(one, 2, 0), 2, 1)[:96, :96] for one in pairs()[0]]
    network = inception_v3(weights=None, num_classes=7, init_weights=False, transform_input=False)
    network.load_state_dict(torch.load(folder / "art_inception.pth", weights_only=True))
    network.fc = nn.Identity()
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        expected = network.eval()(batch)
    assert extract(extractor, pictures) == pytest.approx(expected.double().numpy(), abs=1e-3)


@pytest.mark.parametrize("name", ["alexnet-owt-7be5be79.pth", "alex.pth", "art_inception.pth"])
def test_a_damaged_file_is_told_by_its_name(folder, tmp_path, name):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    known = torch.load(tmp_path / name, weights_only=True)
    lacking = {"art_inception.pth": "Conv2d_1a_3x3.conv.weight", "alex.pth": "lin0.model.1.weight"}
    lacking = lacking.get(name, "features.0.weight")
    torch.save({key: one for key, one in known.items() if key != lacking}, tmp_path / name)
    load = load_art_inception if name.startswith("art") else load_lpips
    with pytest.raises(CorruptAssetError, match=r"must fit their network, got 1 names that differ"):
        load(str(tmp_path), 96)
    (tmp_path / name).write_bytes(b"no weights")
    with pytest.raises(CorruptAssetError, match="unreadable bytes"):
        load(str(tmp_path), 96)


def test_what_is_not_there_is_none(tmp_path, folder):
    assert load_lpips(str(tmp_path), 64) is None
    assert load_art_inception(None, 96) is None
    (tmp_path / "alex.pth").write_bytes((folder / "alex.pth").read_bytes())
    assert load_lpips(str(tmp_path), 64) is None

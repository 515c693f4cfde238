import numpy as np
import torch

from artgan.training.crops import RandomCrops, draw_masks


def test_crops_are_parts_of_the_pictures_and_some_are_mirrored():
    rows, columns = np.mgrid[0:40, 0:50]
    works = [np.stack([rows, columns, rows * 0 + k], axis=-1).astype(np.uint8) for k in range(3)]
    torch.manual_seed(0)
    codes = (RandomCrops(works, 32, 64).draw() * 255).round()  # (B, 3, 32, 32)
    across = codes[:, 1, :, 1:] - codes[:, 1, :, :-1]
    mirrored = (across == -1).flatten(1).all(dim=1)
    assert ((across == 1).flatten(1).all(dim=1) | mirrored).all()
    assert 16 < mirrored.sum() < 48
    assert (codes[:, 0, 1:] - codes[:, 0, :-1] == 1).all()
    assert set(codes[:, 2].flatten().tolist()) == {0.0, 1.0, 2.0}
    assert codes[:, :2].amax() == 49


def test_masks_from_the_bank_are_moved_but_keep_their_area():
    bank = torch.zeros(1, 16, 16, dtype=torch.uint8)
    bank[0, 2:5, 3:10] = 1
    torch.manual_seed(0)
    masks = draw_masks(bank, 12)
    assert masks.shape == (12, 1, 16, 16)
    assert masks.sum(dim=(1, 2, 3)).tolist() == [21.0] * 12
    assert len({tuple(mask.flatten().tolist()) for mask in masks}) > 6

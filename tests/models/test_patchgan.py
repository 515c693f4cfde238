import torch

from artgan.models.patchgan import PatchGan, holed_patches


def test_there_is_one_logit_for_each_patch_of_eight_pixels():
    logits, features = PatchGan(8)(torch.rand(2, 3, 64, 48), torch.zeros(2, 1, 64, 48))
    assert logits.shape == (2, 1, 8, 6)
    assert [feature.shape[1:] for feature in features] == [(8, 32, 24), (16, 16, 12), (32, 8, 6)]


def test_patches_with_a_hole_are_found():
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., 9, 23] = 1
    assert holed_patches(mask).nonzero().tolist() == [[0, 0, 1, 2]]


def test_the_mask_takes_part_in_the_judgement():
    torch.manual_seed(0)
    judge, images = PatchGan(8), torch.rand(1, 3, 32, 32)
    without, _ = judge(images, torch.zeros(1, 1, 32, 32))
    within, _ = judge(images, torch.ones(1, 1, 32, 32))
    assert not torch.allclose(without, within)


def test_no_layer_stretches_its_input():
    """The spectral norm of each weight, as a matrix, tends to 1 as the power iteration goes on."""
    torch.manual_seed(0)
    judge = PatchGan(8)
    for _ in range(200):
        judge(torch.rand(1, 3, 16, 16), torch.zeros(1, 1, 16, 16))
    for layer in [*judge.layers, judge.head]:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        assert abs(float(largest.detach()) - 1.0) < 0.02

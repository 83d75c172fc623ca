import torch

from sonde.augment.warps import warped


def test_each_image_is_bent_in_its_own_way_and_keeps_what_it_holds() -> None:
    images = torch.zeros(64, 1, 28, 28)
    images[:, :, 10:18, 10:18] = 1
    torch.manual_seed(0)
    found = warped(images)
    torch.manual_seed(0)
    assert found.equal(warped(images))
    assert not found[0].equal(found[1])
    assert found.shape == images.shape
    assert abs(float(found.mean() / images.mean()) - 1) < 0.15
    assert 0 <= float(found.min()) < float(found.max()) <= 1

import torch

from sonde.nn.patch_decoder import PatchDecoder


def decoder() -> PatchDecoder:
    torch.manual_seed(0)
    return PatchDecoder(5, prefix=2, patches=6, values=3, width=8, depth=2, heads=4)


def test_patches_stand_where_they_were_whatever_order_they_come_in() -> None:
    made, tokens = decoder(), torch.randn(2, 2 + 3, 5)
    order = torch.tensor([[4, 0, 5, 1, 2, 3], [1, 2, 3, 0, 4, 5]])
    found = made(tokens, order)
    assert found.shape == (2, 6, 3)
    turned = torch.cat([tokens[:, :2], tokens[:, [4, 2, 3]]], 1)  # the same patches, their tokens in another order
    other = torch.cat([order[:, [2, 0, 1]], order[:, [5, 3, 4]]], 1)
    torch.testing.assert_close(made(turned, other), found)
    assert not torch.allclose(made(turned, order), found)


def test_unseen_patches_differ_by_their_place_alone() -> None:
    made, tokens = decoder(), torch.randn(1, 2 + 3, 5)
    found = made(tokens, torch.tensor([[0, 1, 2, 3, 4, 5]]))
    with torch.no_grad():
        made.positions[:, 2 + 4] = made.positions[:, 2 + 5]
    same = made(tokens, torch.tensor([[0, 1, 2, 3, 4, 5]]))
    assert not torch.allclose(found[:, 4], found[:, 5])
    torch.testing.assert_close(same[:, 4], same[:, 5])


def test_every_parameter_learns() -> None:
    made = decoder()
    made(torch.randn(3, 2 + 2, 5), torch.rand(3, 6).argsort(1)).square().sum().backward()
    assert [name for name, p in made.named_parameters() if p.grad is None or not p.grad.any()] == []

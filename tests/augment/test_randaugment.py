import torch

from sonde.augment.randaugment import OPERATIONS, rand_augment


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int) -> torch.Tensor:
    """Smooth pictures with some noise, so that every operation shows."""
    ramp = torch.linspace(0.1, 0.8, 16).view(1, 1, 16, 1) * torch.tensor([1.0, 0.8, 0.6]).view(1, 3, 1, 1)
    return (ramp + 0.1 * torch.rand(count, 3, 16, 16, generator=drawn(0))).clamp(0, 1)


def test_there_are_the_papers_fourteen_operations() -> None:
    assert len(OPERATIONS) == 14


def test_every_operation_but_identity_changes_pictures_and_keeps_to_the_range() -> None:
    x = pictures(4)
    strength = torch.tensor([1.0, -1.0, 0.6, -0.6])
    for name, operation in OPERATIONS.items():
        changed = operation(x, strength)
        assert changed.shape == x.shape, name
        assert changed.min() >= 0, name
        assert changed.max() <= 1.0001, name
        assert torch.equal(changed, x) is (name == "identity"), name


def test_both_signs_differ_where_an_operation_has_a_side() -> None:
    x = pictures(1)
    for name, operation in OPERATIONS.items():
        one_sided = name in ("identity", "posterise", "solarise", "stretch", "equalise")
        same = torch.equal(operation(x, torch.tensor([0.5])), operation(x, torch.tensor([-0.5])))
        assert same is one_sided, name


def test_operations_are_drawn_equally_often() -> None:
    x = pictures(2000)  # identity alone leaves them as they are
    changed = rand_augment(x, 1, 15, drawn(1))
    untouched = (changed == x).flatten(1).all(1).float().mean()
    assert abs(float(untouched) - 1 / 14) < 4 * (1 / 14 * 13 / 14 / 2000) ** 0.5


def test_the_number_of_operations_counts() -> None:
    x = pictures(2000)
    changed = rand_augment(x, 2, 15, drawn(1))
    untouched = (changed == x).flatten(1).all(1).float().mean()
    assert abs(float(untouched) - 1 / 14**2) < 4 * (1 / 14**2 / 2000) ** 0.5


def test_magnitude_scales_the_change() -> None:
    x = pictures(200)
    weak, strong = ((rand_augment(x, 1, magnitude, drawn(2)) - x).abs().flatten(1).mean(1) for magnitude in (3, 27))
    graded = (weak - strong).abs() > 1e-6  # identity, stretch and equalise have no magnitude
    assert (strong > weak)[graded].float().mean() > 0.9


def test_the_pictures_given_are_left_alone_and_each_is_on_its_own() -> None:
    x = pictures(60)
    before = x.clone()
    changed = rand_augment(x, 2, 9, drawn(3))
    assert torch.equal(x, before)
    other = x.clone()
    other[30:] = 0.3
    assert torch.equal(rand_augment(other, 2, 9, drawn(3))[:30], changed[:30])


def test_the_generator_decides() -> None:
    x = pictures(30)
    assert torch.equal(rand_augment(x, 2, 9, drawn(4)), rand_augment(x, 2, 9, drawn(4)))
    assert not torch.equal(rand_augment(x, 2, 9, drawn(4)), rand_augment(x, 2, 9, drawn(5)))

import torch

from sonde.metrics.made_rows import MadeRowsMeter
from sonde.tasks.gan.figures import additions


def test_the_figure_says_what_was_measured() -> None:
    meter = MadeRowsMeter(lambda: torch.linspace(0, 2, 20))
    drawn = torch.Generator().manual_seed(0)
    rows = {name: torch.randn(30, 4, generator=drawn) for name in ("real", "made")}
    meter.update(
        rows | {"real_logit": torch.linspace(-1, 2, 30), "made_logit": torch.linspace(-2, 1, 30)}, torch.arange(30)
    )
    (figure,) = additions(meter.details()).figures
    for words in ("training rows", "held-out rows", "made rows"):
        assert words in str(figure.svg)
    assert "Between 30 held-out rows and as many made ones" in figure.caption


def test_nothing_is_drawn_of_nothing() -> None:
    assert additions({}).figures == []
    assert additions({"gan": {"rows": 1, "logits": {}}}).figures == []

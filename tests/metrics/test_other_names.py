"""A metric that is called otherwise elsewhere is found; what is no such metric is not."""

import pytest

from sonde.metrics.other_names import name_here

KNOWN = ("accuracy", "auroc", "f1", "macro_f1", "loss", "mse")


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("val_loss", "loss"),
        ("val_accuracy", "accuracy"),
        ("val_acc", "accuracy"),
        ("eval_f1", "f1"),
        ("eval/loss", "loss"),
        ("AUC", "auroc"),
        ("roc_auc", "auroc"),
        ("f1_macro", "macro_f1"),
        ("Mean_Squared_Error", "mse"),
        ("accuracy", "accuracy"),
        ("rmse", None),
        ("value", None),
    ],
)
def test_the_name_that_it_has_here(name: str, here: str | None) -> None:
    assert name_here(name, KNOWN) == here


def test_a_macro_average_is_not_told_as_that_of_one_class() -> None:
    assert name_here("f1_macro", ["f1"]) is None

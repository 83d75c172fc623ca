"""The report's figure of likelihoods."""

from sonde.tasks.normalizing_flow.figures import additions


def test_a_curve_of_likelihoods_and_none_without_them() -> None:
    assert additions({}).figures == []
    (figure,) = additions({"likelihoods": [-9.0, -4.0, -2.0, -1.5, -1.0]}).figures
    assert "half are above -2." in figure.caption
    assert "<svg" in figure.svg

import pytest

from sonde.cli.main import main


@pytest.mark.parametrize("verb", ["train", "compare", "sample"])
def test_values_have_words_and_no_names_of_python_classes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--out" in shown
    assert "<class" not in shown
    assert "sonde.core" not in shown


def test_no_default_is_an_empty_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "(default: '')" not in shown
    assert "for masked-diffusion; the first of these unless set. (default: unset)" in shown

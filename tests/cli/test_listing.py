"""The verbs that list: what they show, how a word chooses."""

import json
from pathlib import Path

import pytest

from sonde.cli.listing import matching
from sonde.cli.main import main
from sonde.core.errors import ConfigError


def rows(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_word_chooses_in_any_case() -> None:
    assert matching("model", "HE ET", {"mlp": "mlp", "resnet18": "resnet18 He et al."}) == ["resnet18"]
    assert matching("model", "", {"a": "a", "b": "b"}) == ["a", "b"]


def test_a_word_that_chooses_nothing_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"^no model matches 'resnt'; did you mean 'resnet'\?$"):
        matching("model", "resnt", {"resnet": "resnet", "mlp": "mlp"})
    with pytest.raises(ConfigError, match=r"^no model matches 'zzz'; there are: resnet, mlp$"):
        matching("model", "zzz", {"resnet": "resnet", "mlp": "mlp"})


def test_datasets_say_where_each_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "data" / "kmnist"
    own.mkdir(parents=True)
    (own / "train.npz").write_bytes(b"x")
    monkeypatch.setenv("SONDE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))
    assert main(["datasets"]) == 0
    head, *lines = rows(capsys)
    assert head.split() == ["name", "description", "rows", "size", "where", "licence"]
    where = {line.split()[0]: line for line in lines}
    assert "built in" in where["digits"]
    assert "in SONDE_DATA" in where["kmnist"]
    assert "70,000   12 MB  download" in where["mnist"]
    assert main(["datasets", "CLOTHES"]) == 0
    assert [line.split()[0] for line in rows(capsys)] == ["name", "fashion-mnist"]


def test_models_show_published_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "lenet5"]) == 0
    group, head, line = rows(capsys)
    assert group == "image: classification, regression, simclr, masked-autoencoder"
    assert head.split() == ["name", "parameters", "FLOPs", "input"]
    assert "LeCun" not in line
    assert main(["models", "lenet5", "--papers"]) == 0
    _, head, line = rows(capsys)
    assert head.split() == ["name", "parameters", "FLOPs", "input", "paper"]
    assert line.split()[:2] == ["lenet5", "61,706"]  # torch's own count of LeCun's network with full second layer
    assert "LeCun et al. 1998" in line


def test_models_stand_by_what_they_read_and_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    groups = [line for line in rows(capsys) if ": " in line]
    assert len(groups) == len(set(groups)) > 10
    assert {
        "series: forecasting, diffusion-forecasting",
        "image: segmentation",
        "tokens: translation",
        "audio: speech-recognition",
    } <= set(groups)
    assert main(["models", "patchtst"]) == 0
    assert rows(capsys)[0] == "series: forecasting, diffusion-forecasting"


def test_models_are_listed_without_torch() -> None:
    import subprocess
    import sys

    code = "import sys; from sonde.cli.main import main; main(['models']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


def test_report_is_written_again_without_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    (tmp_path / "config.yaml").write_text("data: digits\nsettings: {model: mlp}\n")
    (tmp_path / "result.json").write_text(json.dumps({"status": "finished", "model": "mlp", "metrics": {}}))
    code = f"import sys; from sonde.cli.main import main; main(['report', {str(tmp_path)!r}]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / "report.html"), "False"]
    assert "mlp" in (tmp_path / "report.html").read_text(encoding="utf-8")

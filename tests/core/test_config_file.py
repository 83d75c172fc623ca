"""config.yaml against a plain YAML reader, and what stands in it by accident."""

from pathlib import Path

import pytest
import yaml

from sonde.core.config_file import how_to_resume, read_config, write_config
from sonde.core.errors import ConfigError


def written(tmp_path: Path, settings: dict, origin: dict | None = None) -> Path:
    path = tmp_path / "config.yaml"
    write_config(path, data="digits", settings=settings, origin=origin or {}, reasons={"lr": "tuned: on digits"})
    return path


SETTINGS = {
    "model": "mlp",
    "hidden": (256, 128),
    "lr": 1e-8,
    "epochs": None,
    "balanced": False,
    "time_limit": "45",
    "target": ("on", "1e3", "Ålder, år", "0x1f", "2020-01-01", "1:30"),
}


def test_settings_survive_the_file(tmp_path: Path) -> None:
    saved = read_config(written(tmp_path, SETTINGS, {"lr": "typed"}))
    expected = {name: list(value) if isinstance(value, tuple) else value for name, value in SETTINGS.items()}
    assert saved.settings == expected
    assert [type(v) for v in saved.settings.values()] == [type(v) for v in expected.values()]
    assert (saved.data, saved.origin, saved.reasons) == ("digits", {"lr": "typed"}, {"lr": "tuned: on digits"})


def test_the_file_is_plain_yaml_with_the_documented_keys(tmp_path: Path) -> None:
    text = written(tmp_path, SETTINGS).read_text(encoding="utf-8")
    assert "\n  hidden: [256, 128]\n  lr: 1.0e-08\n" in text
    content = yaml.safe_load(text)
    assert list(content) == ["data", "settings", "origin", "reasons"]
    assert content["settings"]["hidden"] == [256, 128]


def test_a_run_folder_stands_for_its_file(tmp_path: Path) -> None:
    written(tmp_path, {"lr": 0.5})
    assert read_config(tmp_path).settings == {"lr": 0.5}


def test_rates_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("settings: {lr: 1e-3, eps: 1E-8, weight_decay: -2.5e+2, clip: .5e0, target: [1e, e3, a1e3]}")
    found = read_config(path).settings
    assert [found[n] for n in ("lr", "eps", "weight_decay", "clip")] == [1e-3, 1e-8, -250.0, 0.5]
    assert found["target"] == ["1e", "e3", "a1e3"]
    assert read_config(path).data is None


def test_only_what_was_asked_for_is_asked_again(tmp_path: Path) -> None:
    origin = {"lr": "typed", "epochs": "recipe", "clip": "default", "ema": "file", "target": "inferred"}
    values = {"lr": 0.1, "epochs": 5, "clip": 0.0, "ema": 0.9, "target": [], "seed": 3}
    assert read_config(written(tmp_path, values, origin)).overrides() == {"lr": 0.1, "ema": 0.9, "seed": 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"settings: [lr", "mine.yaml, line 1, is not YAML: expected ',' or ']'"),
        (b"lr: 0.1\n", "mine.yaml is not a run's config.yaml: it has no list of `settings`"),
        (b"", "mine.yaml is not a run's config.yaml"),
        (b"settings: {lr: 1}\norigin: typed\n", "mine.yaml: `origin` must list settings by name"),
        (b"settings: {1: 2}\n", "mine.yaml: `settings` must list settings by name"),
        (b"settings: \xff\xfe", "mine.yaml is not UTF-8 text (byte 10)"),
        (b"settings: !!python/object/apply:os.system [ls]", "mine.yaml, line 1, is not YAML: "),
    ],
)
def test_what_is_no_config_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no config file .*nowhere.yaml; a run folder holds one"):
        read_config(tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match=r"there is no config file .*config\.yaml"):
        read_config(tmp_path)


def test_a_run_of_a_network_of_ones_own_is_resumed_by_the_same_call_and_not_by_a_command(tmp_path: Path) -> None:
    written(tmp_path, SETTINGS)
    assert how_to_resume(tmp_path) == f"sonde resume {tmp_path}"
    written(tmp_path, {**SETTINGS, "model": "custom"})
    assert how_to_resume(tmp_path) == f"the same call with out={str(tmp_path)!r}"
    assert how_to_resume(tmp_path / "nowhere") == f"sonde resume {tmp_path / 'nowhere'}"

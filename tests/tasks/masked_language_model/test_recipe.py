from pathlib import Path

import pytest
from sample_questions import content, write

from sonde.core.config import DataConfig
from sonde.core.errors import ConfigError
from sonde.modalities.open import open_data
from sonde.run.choose import choose, choose_model
from sonde.tasks.masked_language_model import recipe as masked_language


def test_text_gets_a_network_that_reads_both_ways(tmp_path: Path) -> None:
    dataset = open_data(write(tmp_path / "facts.json", content(8)), DataConfig())
    assert choose_model(dataset, None, "masked-language-model")[0] == "bert-tiny"
    settings = choose(dataset, task="masked-language-model", model="bert-tiny").settings
    assert settings["epochs"][0] == masked_language.MOST
    assert all(why for _, why in settings.values())


def test_other_data_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="learns from text, and this data is of kind 'image'; leave --task masked-language-model out"
    ):
        choose(open_data("digits", DataConfig()), task="masked-language-model", model="bert-tiny")

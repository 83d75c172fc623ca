"""What was guessed while a table was read is a warning, whatever kind of data the table holds."""

from pathlib import Path

import pytest
from sample_settings import data_config

from sonde.core.data_warning import DataWarning
from sonde.modalities.inputs import rows_for
from sonde.modalities.open import open_data, open_like

WORDS = ("old film", "new play", "long book", "short song", "fine town", "poor road")
TITLE = "Report of a survey"
KINDS: dict[str, tuple[str, str | None, str, str]] = {
    # a name: header, task, rows, the kind of target
    "texts": ("id,review,label", None, "{n},this {} was seen by {n} of us,{label}", "class"),
    "questions": (
        "id,context,question,answer",
        None,
        "{n},The {} stands at the river {n}.,what stands there {n}?,{}",
        "span",
    ),
    "translations": ("id,en,de", "translation", "{n},the {} is number {n},Nummer {n} heisst {}", "tokens"),
    "texts to continue": ("id,text", "language-model", "{n},once the {} was told to {n} people", "next"),
    "pairs of texts": (
        "id,premise,hypothesis,label",
        None,
        "{n},row {n} says that the {} was long there,we see in {n} how a {} was sold,{label}",
        "class",
    ),
    "molecules": ("smiles,y", None, "{chain}O,{n}.5", "value"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_title_that_is_passed_over_is_said(tmp_path: Path, name: str) -> None:
    header, task, row, kind = KINDS[name]
    if name == "molecules":
        pytest.importorskip("rdkit")
    rows = [
        row.format(WORDS[n % 6], WORDS[n % 6], n=n, label="good" if n % 2 else "bad", chain="C" * (n + 1))
        for n in range(40)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([TITLE, header, *rows]) + "\n", encoding="utf-8")
    dataset = open_data(path, data_config(target=("y",) if name == "molecules" else ()), task=task)
    assert dataset.schema.target.kind == kind
    assert sum(TITLE in warning for warning in dataset.warnings) == 1
    again = open_like(path, dataset.schema, data_config(validation=0.0, test=0.0))
    assert sum(TITLE in warning for warning in again.warnings) == 1


def test_predict_says_it_too(tmp_path: Path) -> None:
    rows = [f"{n},{n % 7}.5,{n % 2}" for n in range(40)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([TITLE, "a,b,y", *rows]) + "\n", encoding="utf-8")
    schema = open_data(path, data_config(target=("y",))).schema
    with pytest.warns(DataWarning, match=TITLE):
        rows_for(str(path), schema)

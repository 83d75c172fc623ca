import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.vocabulary import read_vocabulary
from sonde.modalities.open import open_data, open_like
from sonde.modalities.text.sentences import rows_to_translate

PAIRS = [(f"the film number {n} is good", f"der Film Nummer {n} ist gut") for n in range(40)]
ALL = {"test": 0.0, "validation": 0.0}


def tmx(pairs: list[tuple[str, str]]) -> str:
    units = (
        f'<tu><tuv xml:lang="en-US"><seg>{a}</seg></tuv><tuv xml:lang="DE"><seg>{b[:4]}<bpt i="1">{b[4:]}</bpt></seg></tuv></tu>'
        for a, b in pairs
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><tmx version="1.4"><header/><body>{"".join(units)}</body></tmx>'


FORMS = {
    "a.tsv": "en\tde\n" + "".join(f"{a}\t{b}\n" for a, b in PAIRS),
    "b.jsonl": "".join(json.dumps({"translation": {"en": a, "de": b}}) + "\n" for a, b in PAIRS),
    "c.json": json.dumps([{"id": n, "en": a, "de": b} for n, (a, b) in enumerate(PAIRS)]),
    "d.tmx": tmx(PAIRS),
    "deu.txt": "".join(f"{a}\t{b}\tCC-BY 2.0 (France) Attribution: {n}\n" for n, (a, b) in enumerate(PAIRS)),
}


def sentences(found: Dataset, split: str = "train") -> list[tuple[str, str]]:
    source, target = (read_vocabulary(one.tokenizer) for one in (found.schema.input, found.schema.target))
    rows = found.splits[split]
    batch = rows.read(np.arange(len(rows)))
    return [
        (source.decode(a[a > 0].tolist()), target.decode(b[b > 0].tolist()))
        for a, b in zip(batch["input"], batch["target"], strict=True)
    ]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("task", [None, "translation"])
def test_pairs_in_one_file_are_translated(tmp_path: Path, name: str, task: str | None) -> None:
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    found = open_data(tmp_path / name, data_config(**ALL), task=task)
    assert found.suggestion == "translation"
    assert found.schema.target.names == (("source", "target") if name == "deu.txt" else ("en", "de"))
    assert sentences(found) == PAIRS
    turned = open_data(tmp_path / name, data_config(**ALL, source_language=found.schema.target.names[1]))
    assert sentences(turned) == [(b, a) for a, b in PAIRS]
    again = open_like(tmp_path / name, found.schema, data_config())
    assert sentences(again, "test") == PAIRS
    assert rows_to_translate(str(tmp_path / name), found.schema)[1] == [a for a, _ in PAIRS]


def test_two_columns_of_any_name_are_translated_where_that_is_asked(tmp_path: Path) -> None:
    text = "question,reply\n" + "".join(f"{a},{b}\n" for a, b in PAIRS)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    found = open_data(tmp_path / "a.csv", data_config(**ALL), task="translation")
    assert (found.schema.target.names, sentences(found)) == (("question", "reply"), PAIRS)
    target = open_data(tmp_path / "a.csv", data_config(**ALL, target=("question",)), task="translation")
    assert sentences(target) == [(b, a) for a, b in PAIRS]


def test_rows_with_one_side_empty_are_counted_and_three_languages_need_names(tmp_path: Path) -> None:
    rows = [*PAIRS[:20], ("a lonely sentence", ""), *PAIRS[20:]]
    (tmp_path / "a.tsv").write_text("en\tde\n" + "".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    found = open_data(tmp_path / "a.tsv", data_config(**ALL))
    assert found.warnings == ["1 rows of a.tsv are empty on one side and are dropped, first row 22"]
    three = "".join(f"{a}\t{b}\t{b} oui\n" for a, b in PAIRS)
    (tmp_path / "b.tsv").write_text("en\tde\tfr\n" + three, encoding="utf-8")
    with pytest.raises(DataError, match="has sentences in en, de, fr; give --source-language and --target-language"):
        open_data(tmp_path / "b.tsv", data_config())
    found = open_data(tmp_path / "b.tsv", data_config(**ALL, source_language="fr", target_language="en"))
    assert sentences(found) == [(f"{b} oui", a) for a, b in PAIRS]


def test_a_memory_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tmx").write_text("<tmx><body><tu>", encoding="utf-8")
    with pytest.raises(DataError, match="a.tmx cannot be read as TMX .*; export it again"):
        open_data(tmp_path / "a.tmx", data_config())
    (tmp_path / "b.tmx").write_text("<tmx><body></body></tmx>", encoding="utf-8")
    with pytest.raises(DataError, match="b.tmx holds no segments in two languages"):
        open_data(tmp_path / "b.tmx", data_config())


def test_opennmt_and_trg_name_their_sides(tmp_path: Path) -> None:
    for how in ("{side}-{split}.txt", "{split}.{side}"):
        folder = tmp_path / how[:6].strip("{}")
        folder.mkdir()
        other = "tgt" if how.endswith(".txt") else "trg"
        for split, part in (("train", PAIRS[:30]), ("val", PAIRS[30:])):
            for place, side in enumerate(("src", other)):
                lines = "".join(pair[place] + "\n" for pair in part)
                (folder / how.format(side=side, split=split)).write_text(lines, encoding="utf-8")
        found = open_data(folder, data_config(test=0.0))
        assert (found.schema.target.names, sentences(found)) == (("src", other), PAIRS[:30])
        assert sentences(found, "validation") == PAIRS[30:]


def test_a_packed_table_of_pairs_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(FORMS["a.tsv"].encode()))
    assert sentences(open_data(tmp_path / "a.tsv.gz", data_config(**ALL))) == PAIRS


def test_a_folder_or_archive_as_manythings_gives_it_is_translated(tmp_path: Path) -> None:
    folder = tmp_path / "deu-eng"
    folder.mkdir()
    (folder / "deu.txt").write_text(FORMS["deu.txt"], encoding="utf-8")
    (folder / "_about.txt").write_text("These files come from a project.\nThey may be shared.\n", encoding="utf-8")
    (folder / "LICENSE-2.0.txt").write_text("Anybody may use them.\n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "deu-eng.zip", "w") as packed:
        for file in folder.iterdir():
            packed.write(file, file.name)
    for place in (folder, tmp_path / "deu-eng.zip"):
        found = open_data(place, data_config(**ALL))
        assert found.suggestion == "translation"
        assert sentences(found) == PAIRS


def test_lines_with_tabs_may_be_named_for_their_splits(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.txt").write_text(FORMS["deu.txt"], encoding="utf-8")
    found = open_data(tmp_path, data_config(validation=0.0))
    assert sentences(found) == sentences(found, "test") == PAIRS

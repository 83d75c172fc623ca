from pathlib import Path

import pytest
from sample_places import at
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.open import open_data, open_like
from sonde.modalities.table.read import read_table
from sonde.modalities.text.forms import labelled_lines

recognise = at(labelled_lines.recognise)

MOODS = ("joy", "sadness")
LINES = [(f"today i {('saw', 'met', 'lost')[n % 3]} friend number {n} again", MOODS[n % 2]) for n in range(40)]
WRITTEN = {
    "fastText": "__label__{label} {text}",
    "fastText behind": "{text} __label__{label}",
    "tab": "{text}\t{label}",
    "UCI": "{text}  \t{label}",
    "label first": "{label}\t{text}",
    "semicolon": "{text};{label}",
    "bar": "{text}|{label}",
    "comma": "{text}, and more, {label}",
}


def write(path: Path, how: str, lines: list[tuple[str, str]] = LINES) -> Path:
    path.write_text("".join(how.format(text=text, label=label) + "\n" for text, label in lines), encoding="utf-8")
    return path


def truths(found: Dataset, split: str = "train") -> list[str]:
    return [found.schema.target.names[number] for number in targets_of(found.splits[split])]


@pytest.mark.parametrize("how", WRITTEN.values(), ids=WRITTEN)
def test_labels_on_lines_are_classes(tmp_path: Path, how: str) -> None:
    found = open_data(write(tmp_path / "a.txt", how), data_config(test=0.0, validation=0.0))
    assert (found.schema.target.kind, found.schema.target.names) == ("class", MOODS)
    assert truths(found) == [label for _, label in LINES]
    assert found.splits["train"].describe(3).startswith("a.txt line 4")
    assert "--task language-model" in found.facts[0].why
    text = open_data(tmp_path / "a.txt", data_config(), task="language-model")
    assert text.schema.target.kind == "next"


def test_several_labels_on_a_line_are_labels(tmp_path: Path) -> None:
    lines = [(f"how do i cook dish number {n}", f"food __label__{('hot', 'cold')[n % 2]}") for n in range(20)]
    found = open_data(
        write(tmp_path / "a.txt", "__label__{label} {text}", lines), data_config(test=0.0, validation=0.0)
    )
    assert (found.schema.target.kind, found.schema.target.names) == ("labels", ("cold", "food", "hot"))
    assert targets_of(found.splits["train"])[:2].tolist() == [[0, 1, 1], [1, 1, 0]]


def test_a_folder_brings_its_splits_and_others_are_evaluated_by_its_classes(tmp_path: Path) -> None:
    for name, rows in (("train", LINES[:30]), ("val", LINES[30:36]), ("test", LINES[36:])):
        write(tmp_path / f"{name}.txt", "{text};{label}", rows)
    found = open_data(tmp_path, data_config())
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 30, "validation": 6, "test": 4}
    assert truths(found, "test") == [label for _, label in LINES[36:]]
    again = open_like(write(tmp_path / "more.txt", "{label}\t{text}", LINES[5:25]), found.schema, data_config())
    assert truths(again, "test") == [label for _, label in LINES[5:25]]


def test_numbers_are_values_where_that_is_asked(tmp_path: Path) -> None:
    lines = [(text, str(n % 5 + 1)) for n, (text, _) in enumerate(LINES)]
    file = write(tmp_path / "a.txt", "{text}\t{label}", lines)
    found = open_data(file, data_config(test=0.0, validation=0.0), task="regression")
    scale = found.schema.target
    assert (targets_of(found.splits["train"])[:5, 0] * scale.std[0] + scale.mean[0]).tolist() == pytest.approx(
        [1, 2, 3, 4, 5]
    )


def test_a_line_without_a_label_is_named(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.txt", "{text};{label}", [(f"{text} {n}", label) for n in range(60) for text, label in LINES]
    )
    file.write_text(file.read_text(encoding="utf-8") + "no label here\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"^a.txt line 2,401 has no label, and the others have a text, ';' and its label"
    ):
        open_data(file, data_config())


def test_prose_verses_and_code_stay_text(tmp_path: Path) -> None:
    prose = [f"It was a dark night, number {n}; the wind, {'abcdefghij'[n % 10]}, blew and blew." for n in range(40)]
    (tmp_path / "a.txt").write_text("\n".join(prose), encoding="utf-8")
    assert recognise(tmp_path / "a.txt") is None
    assert open_data(tmp_path / "a.txt", data_config()).schema.target.kind == "next"


CONLL = "-DOCSTART- -X- O O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\ncall NN I-NP O\n\n" * 5
NUMBERS = "".join(f"  {n}  {n / 7:.3f}   -{n}e-2\n" for n in range(20))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONLL, r"a.txt holds words with tags \(CoNLL\), and tagging words is not supported"),
        (NUMBERS, r"a.txt holds rows of numbers, which are a table: sed .* a.txt > a.csv"),
        (NUMBERS.replace("  ", "\t"), r"rows of numbers, which are a table: cp a.txt a.tsv"),
        ("x,y\n" + "".join(f"{n},{n * 2}\n" for n in range(20)), r"rows of numbers, which are a table: cp a.txt a.csv"),
    ],
)
def test_what_is_no_text_to_continue_is_refused_with_the_way_to_do_it_all_the_same(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "a.txt"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        open_data(file, data_config())
    assert open_data(file, data_config(), task="language-model").schema.target.kind == "next"


def test_folders_of_tagged_words_are_refused_too(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text(CONLL)
    with pytest.raises(DataError, match=r"train.txt holds words with tags \(CoNLL\)"):
        open_data(tmp_path, data_config())
    assert open_data(tmp_path, data_config(max_tokens=8), task="language-model").schema.target.kind == "next"


POWER = "Date;Time;Power;Voltage\n" + "".join(
    f"16/12/2006;17:{n:02d}:00;{'?' if n == 5 else n / 7:};234.8\n" for n in range(20)
)
QUOTED = "id,name,price\n" + "".join(f'{n},"a, b and {n}",{n * 3}.5\n' for n in range(20))


@pytest.mark.parametrize(
    ("content", "remedy", "ending"),
    [
        (POWER, "by ';': cp a.txt a.csv", ".csv"),
        (POWER.replace(";", "\t"), "by tabs: cp a.txt a.tsv", ".tsv"),
        (QUOTED, "by ',': cp a.txt a.csv", ".csv"),
        (POWER.partition("\n")[2], "by ';': cp a.txt a.csv", ".csv"),
    ],
)
def test_tables_called_txt_are_named_as_such(tmp_path: Path, content: str, remedy: str, ending: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(content, encoding="utf-8")
    for place in (file, tmp_path):
        with pytest.raises(
            DataError, match=rf"a.txt holds a table, whose cells are separated {remedy}, and name that; to"
        ):
            open_data(place, data_config())
        assert open_data(place, data_config(max_tokens=8), task="language-model").schema.target.kind == "next"
    other = file.rename(file.with_suffix(ending))
    assert len(read_table(other)) == 20


def test_lists_and_verses_with_as_many_commas_stay_text(tmp_path: Path) -> None:
    lines = [f"Oh {word}, my {word}, how the {word} sings" for word in ("bird", "wind", "sea", "tree", "star")]
    (tmp_path / "a.txt").write_text("\n".join(lines * 5), encoding="utf-8")
    assert open_data(tmp_path / "a.txt", data_config(max_tokens=8)).schema.target.kind == "next"

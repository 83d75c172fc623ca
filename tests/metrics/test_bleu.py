"""BLEU that is added up beside sacrebleu's own over whole files."""

from pathlib import Path

import pytest
import sacrebleu

from sonde.metrics.bleu import Bleu

SAID = [
    "Ein Mann fährt Fahrrad.",
    "Zwei Hunde rennen über eine grüne Wiese, und ein Kind schaut zu.",
    '3.500 Leute (etwa) warten -- im Regen; "wirklich"!',
    "",
    "ein ein ein ein",
    "Genau der gleiche Satz wie im Original, Wort für Wort.",
]
TRUE = [
    "Ein Mann fährt auf einem Fahrrad.",
    "Zwei Hunde laufen über eine grüne Wiese, während ein Kind zusieht.",
    'Etwa 3.500 Leute warten im Regen; "wirklich"!',
    "Niemand.",
    "ein Hund",
    "Genau der gleiche Satz wie im Original, Wort für Wort.",
]


def total(said: list[str], true: list[str]) -> Bleu:
    found = Bleu()
    for one, two in zip(said, true, strict=True):
        found.update(one, two)
    return found


def test_it_is_sacrebleus_over_the_corpus() -> None:
    expected = sacrebleu.corpus_bleu(SAID, [TRUE]).score
    assert 10 < expected < 90
    assert total(SAID, TRUE).value() == pytest.approx(expected, abs=1e-9)


def test_it_is_sacrebleus_on_files(tmp_path: Path) -> None:
    (tmp_path / "said").write_text("\n".join(SAID[:3]) + "\n")
    (tmp_path / "true").write_text("\n".join(TRUE[:3]) + "\n")
    with (tmp_path / "said").open() as said, (tmp_path / "true").open() as true:
        expected = sacrebleu.corpus_bleu(said.readlines(), [true.readlines()]).score
    assert total(SAID[:3], TRUE[:3]).value() == pytest.approx(expected, abs=1e-9)


def test_a_sentence_by_itself_is_sacrebleus() -> None:
    for said, true in zip(SAID, TRUE, strict=True):
        assert Bleu().sentence(said, true) == pytest.approx(sacrebleu.sentence_bleu(said, [true]).score, abs=1e-9)


def test_parts_add_up_to_the_whole() -> None:
    first, second = total(SAID[:2], TRUE[:2]), total(SAID[2:], TRUE[2:])
    first.merge(second)
    assert first.value() == total(SAID, TRUE).value()


def test_nothing_said_is_worth_nothing_and_the_truth_a_hundred() -> None:
    assert Bleu().value() == 0
    assert total(TRUE, TRUE).value() == pytest.approx(100)

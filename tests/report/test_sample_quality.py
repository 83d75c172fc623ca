from pathlib import Path
from typing import Any

from sonde.report.folder import Reading
from sonde.report.sample_quality import about, cautions, memorised, rows_of, sample_quality_sections

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


def found(**more: Any) -> dict[str, Any]:
    return {
        "samples": {"number": 2000, "steps": 20, "sampler": "", "guidance": 1.5, "seed": 3},
        "weights": "abc",
        "step": 7,
        "judge": {"run": "runs/<judge>", "weights": "def", "layer": "head", "features": 64},
        "preprocessing": "8x8 pixels",
        "data": "digits",
        "split": "test",
        "n": 1000,
        "k": 5,
        "caution": [],
        "measures": [
            {"name": "class_agreement", "better": "higher", "value": 0.97, "real": 0.99, "interval": [0.96, 0.98]},
            {"name": "frechet_distance", "better": "lower", "value": 3.0, "real": 1.5},
            {
                "name": "kernel_distance",
                "better": "lower",
                "value": 0.0123,
                "error": 0.0042,
                "real": 0,
                "real_error": 1.2,
            },
        ],
        "memorisation": None,
        **more,
    }


def test_each_number_stands_beside_that_of_real_rows() -> None:
    assert rows_of(found()) == [
        ("class agreement", "97.0 % (96.0 to 98.0)", "99.0 %", "higher"),
        ("Fréchet distance", "3.00 (2.0 × real)", "1.50", "lower"),
        ("kernel distance", "0.0123 ± 0.0042", "0.0 ± 1.2", "lower"),
    ]
    assert about(found()) == [
        "samples: seed 3, guidance 1.5, 20 steps; weights abc",
        "judge: runs/<judge> (weights def), 64 features before its layer head",
        "rows: 1,000 samples against 1,000 test rows; under real rows, 1,000 other test rows against the same",
        "inputs: 8x8 pixels",
    ]


def test_what_was_not_measured_says_why() -> None:
    entry = {"name": "frechet_distance", "better": "lower", "value": None, "real": None, "reason": "too few rows"}
    content = found(measures=[entry], caution=["rows are few"])
    assert rows_of(content) == [("Fréchet distance", "not measured", "", "lower")]
    assert cautions(content) == ["Fréchet distance: too few rows", "note: rows are few"]


def test_the_verdict_on_copies_needs_both_tests() -> None:
    def verdict(p_distance: float, p_ratio: float, copied: float = 0.0, **more: float) -> str:
        test = {"in": "pixels", "samples": 10, "held_out": 9, "train": 8, "p_distance": p_distance, "p_ratio": p_ratio}
        test |= {"copied": copied, "copied_held_out": 0.0, **more}
        return memorised(found(memorisation=test)).partition(" (")[0]

    assert verdict(1e-9, 1e-9) == "copies of training rows are likely"
    assert "as smooth inputs are" in verdict(1e-9, 0.5)
    assert verdict(0.5, 0.001, copied=0.1) == "some samples may be copies of training rows"
    assert verdict(0.5, 0.001, copied=0.1, one_row=0.5) == "some samples may be copies of training rows"
    assert verdict(1.0, 1e-9, copied=0.4, one_row=0.5) == "no sign of copies of training rows"  # farther than others
    assert "nearest to one and the same training row" in verdict(0.5, 1e-9, copied=0.4, one_row=1.0)
    assert (
        verdict(1e-9, 1e-9, copied=0.4, one_row=1.0) == "copies of training rows are likely"
    )  # one row, again and again
    assert verdict(0.5, 0.001) == verdict(0.5, 0.5) == "no sign of copies of training rows"
    assert memorised(found()).startswith("copies of training rows were not looked for")


def reading(path: Path, step: int = 7, **more: Any) -> Reading:
    empty: dict[str, Any] = {name: {} for name in ("config", "plan", "data", "env", "lr_range")}
    empty |= {name: () for name in ("steps", "evaluations", "events", "findings")}
    result = {"best": {"step": step}, "status": "finished"}
    return Reading(path=path, result=result, **{"evaluated": {}, **empty, **more})


def test_the_section_holds_pairs_escapes_names_and_says_when_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation/pairs.png").write_bytes(PNG)
    pairs = {"picture": "pairs.png", "ratio": [0.1, 0.25]}
    test = {"in": "pixels", "samples": 10, "held_out": 9, "train": 8, "p_distance": 0.5, "p_ratio": 0.5, "copied": 0.0}
    content = found(memorisation={**test, "copied_held_out": 0.0, "pairs": pairs})
    content["measures"][0]["name"] = "<b>"
    section = sample_quality_sections(reading(tmp_path, looked={"sample_quality": content}))[0]
    assert "runs/<judge>" in section.note  # which the template escapes
    assert "<b>" not in section.html
    assert "&lt;b&gt;" in section.html
    assert "The 2 most like copies: 0.10 to 0.25 times as far" in section.html
    assert "measure again" not in section.html
    later = sample_quality_sections(reading(tmp_path, step=9, looked={"sample_quality": content}))[0]
    assert "measured at step 7; the best checkpoint is now of step 9: measure again" in later.html


def test_samples_that_were_not_measured_say_how_they_are(tmp_path: Path) -> None:
    made = {"test": {"samples": {"picture": "samples.png"}}}
    section = sample_quality_sections(reading(tmp_path, evaluated=made, config={"data": "a b"}))[0]
    assert f"<code>sonde eval {tmp_path} &#39;a b&#39; --judge CLASSIFIER_RUN</code>" in section.html
    assert sample_quality_sections(reading(tmp_path)) == []


def test_rows_of_tables_stand_above_their_nearest_training_rows(tmp_path: Path) -> None:
    test = {"in": "columns", "samples": 10, "held_out": 9, "train": 8, "p_distance": 0.5, "p_ratio": 0.5, "copied": 0.0}
    pairs = {"picture": None, "ratio": [0.25], "names": ["<a>"], "made": [["<i>"]], "near": [["2"]]}
    memory = {**test, "copied_held_out": 0.0, "pairs": pairs, "pairs_held_out": {"picture": None}}
    (section,) = sample_quality_sections(reading(tmp_path, looked={"sample_quality": found(memorisation=memory)}))
    assert "Samples and their nearest training rows" in section.html
    assert "Held-out rows and" not in section.html
    assert section.html.index("<td>&lt;i&gt;</td>") < section.html.index("0.25") < section.html.index("<td>2</td>")
    assert "<th>&lt;a&gt;</th>" in section.html

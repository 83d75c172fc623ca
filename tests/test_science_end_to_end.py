"""Molecules and proteins from a file to a report, as a person would use them."""

import json
from pathlib import Path

import pytest
from sample_proteins import write_domains

import sonde
from sonde.cli.main import main

CHAINS = [f"{'C' * n}{end}" for n in range(1, 16) for end in ("O", "N", "Cl")]


def test_molecules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{smiles},{len(smiles) * 0.5:.2f}" for smiles in CHAINS]
    (tmp_path / "chains.csv").write_text("smiles,value\n" + "\n".join(lines) + "\n", encoding="utf-8")
    out = str(tmp_path / "run")
    run = sonde.train(tmp_path / "chains.csv", target=("value",), epochs=6, threads=1, width=32, out=out, quiet=True)
    assert run.result["model"] == "graph-network"
    assert run.result["task"] == "regression"
    assert run.result["baseline"]["rmse"] > 0
    worst = json.loads((tmp_path / "run" / "evaluation" / "test" / "worst.json").read_text())
    assert (tmp_path / "run" / "evaluation" / "test" / worst[0]["picture"]).read_text().startswith("<?xml")
    assert "data:image/svg+xml;base64," in (tmp_path / "run" / "report.html").read_text()
    again = sonde.load(out)
    (found,) = again.predict("OCCC")
    assert found["input"] == "OCCC"
    assert found["value"] == pytest.approx(again.predict(["CCCO", "C"])[0]["value"], abs=1e-4)
    assert again.evaluate(tmp_path / "chains.csv")["rmse"] > 0
    assert main(["predict", out, "CCO", "CCN"]) == 0
    assert main(["inspect", str(tmp_path / "chains.csv"), "--target", "value"]) == 0
    said = capsys.readouterr().out
    assert "lengths in atoms" in said
    assert main(["predict", out, "C1CC"]) == 2
    assert "'C1CC' is not a SMILES string that RDKit can parse" in capsys.readouterr().err


def test_protein_structure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_domains(tmp_path / "domains", 10, shortest=26)
    out = str(tmp_path / "run")
    run = sonde.train(tmp_path / "domains", epochs=2, threads=1, layers=1, pair_width=8, out=out, quiet=True)
    assert run.result["model"] == "structure-network"
    assert 0 < run.metrics["lddt"] <= 1
    assert "rmsd" in run.metrics
    assert {"lddt", "distance_error", "loss", "what"} <= run.result["baseline"].keys()
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count('<svg class="turns"') == 2
    (found,) = sonde.load(out).predict("MKTAYIAKQRQISFVKSHFSRQ")
    assert len(found["distances"]) == 22
    assert sonde.load(out).evaluate(tmp_path / "domains")["lddt"] > 0
    assert main(["predict", out, str(tmp_path / "domains" / "D1_A.pdb")]) == 0
    assert "27x27 in Å" in capsys.readouterr().out


def test_torsions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_domains(tmp_path / "domains", 10, shortest=26)
    out = str(tmp_path / "run")
    run = sonde.train(tmp_path / "domains", task="torsions", epochs=2, threads=1, width=16, out=out, quiet=True)
    assert run.result["model"] == "torsion-network"
    assert 0 <= run.metrics["near"] <= 1
    assert run.result["baseline"]["what"].startswith("always predicting the mean angles (phi -")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Measured angles" in page
    assert "Predicted angles" in page
    (found,) = sonde.load(out).predict("MKTAYIAKQRQISFVKSHFSRQ")
    assert len(found["phi"]) == 22
    assert sonde.load(out).evaluate(tmp_path / "domains")["near"] >= 0
    assert main(["predict", out, str(tmp_path / "domains" / "D1_A.pdb")]) == 0
    assert "27 angles in degrees" in capsys.readouterr().out


def test_inverse_folding(tmp_path: Path) -> None:
    letters = write_domains(tmp_path / "domains", 10, shortest=20)
    out = str(tmp_path / "run")
    run = sonde.train(
        tmp_path / "domains", task="inverse-folding", epochs=2, threads=1, width=16, neighbours=8, out=out, quiet=True
    )
    assert run.result["model"] == "inverse-folding-network"
    assert 0 <= run.metrics["recovery"] <= 1
    assert run.result["baseline"]["what"].startswith("always predicting ")
    found = sonde.load(out).predict(str(tmp_path / "domains" / "D3_A.pdb"))
    assert len(found[0]["prediction"]) == len(letters[3])
    assert sonde.load(out).evaluate(tmp_path / "domains")["recovery"] >= 0

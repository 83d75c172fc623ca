from sonde.tasks.torsions.figures import torsion_figures

TABLE = {
    "names": ["phi", "psi"],
    "true": [[-60, -45], [-120, 130], [57, 40]],
    "found": [[-70, -20], [-100, 90], [0, 0]],
}


def test_measured_and_predicted_angles_have_a_picture_each() -> None:
    measured, predicted = torsion_figures({"torsions": TABLE})
    assert (measured.title, predicted.title) == ("Measured angles", "Predicted angles")
    assert measured.svg.count("<circle") == predicted.svg.count("<circle") == 3
    assert "phi (degrees)" in measured.svg
    assert "psi (degrees)" in measured.svg
    assert measured.caption.startswith("3 residues.")


def test_both_pictures_reach_all_round() -> None:
    for figure in torsion_figures({"torsions": TABLE}):
        assert ">-180<" in figure.svg or ">-150<" in figure.svg or ">-100<" in figure.svg


def test_other_tasks_have_none() -> None:
    assert torsion_figures({}) == []
    assert torsion_figures({"torsions": {"names": ["phi", "psi"], "true": [], "found": []}}) == []

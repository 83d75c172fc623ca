"""Angles of backbones as a Ramachandran plot: measured and predicted."""

from collections.abc import Mapping
from typing import Any

from sonde.core.units import count
from sonde.report.additions import Additions
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

ENDS = 180.0  # degrees
KINDS = {"true": ("Measured angles", 2), "found": ("Predicted angles", 1)}  # title and colour


def additions(details: Mapping[str, Any]) -> Additions:
    """The plots of `torsion_figures`."""
    return Additions(figures=torsion_figures(details))


def torsion_figures(details: Mapping[str, Any]) -> list[Figure]:
    """Two pictures with a dot for each residue, measured and predicted.

    Source: Ramachandran et al. 1963, Journal of Molecular Biology 7 (1)
    """
    table = details.get("torsions")
    if not table or len(table.get("names") or []) != 2 or not table.get("true"):
        return []
    across, up = (Axis(label=f"{name} (degrees)", low=-ENDS, high=ENDS) for name in table["names"])
    places = count(len(table["true"]))
    figures = []
    for kind, (title, colour) in KINDS.items():
        points = sorted((float(phi), float(psi)) for phi, psi in table[kind])
        dots = Series(name=title, points=points, colour=colour, dots=True, line=False, radii=[1.8] * len(points))
        captions = {
            "true": f"{places} residues. Alpha helices lie near (-60, -45), beta strands near (-120, 130).",
            "found": "One prediction per residue, an average where several clusters are likely, so clusters look narrower.",
        }
        figures.append(Figure(title=title, svg=curves([dots], across, up, name=title), caption=captions[kind]))
    return figures

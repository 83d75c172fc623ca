"""Molecules beside a report's cases."""

from sonde.core.files import write_text
from sonde.modalities.modality import Case
from sonde.modalities.molecule.graphs import drawing, smiles_of


def show(case: Case) -> dict[str, str]:
    """The structural formula of the row, as SVG."""
    smiles = smiles_of(case.rows, case.index)
    if not smiles:
        return {}
    write_text(case.file(".svg"), drawing(smiles))
    return {"picture": f"{case.stem}.svg"}

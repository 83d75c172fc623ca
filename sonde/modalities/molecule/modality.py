"""Molecules, as graphs of atoms."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.table.modality import FILES

MOLECULE = Modality(
    kind="molecule",
    noun="molecules",
    input_word="SMILES",
    absent="holds no molecules",
    rows_to_predict="sonde.modalities.molecule.forms.smiles:rows_to_predict",
    unit="atoms",
    reads=("target", "columns"),
    forms=(
        Form(
            name="tables of molecules as SMILES",
            sure=45,
            recognise="sonde.modalities.molecule.forms.smiles:recognise",
            read="sonde.modalities.molecule.forms.smiles:read",
            endings=FILES,
        ),
    ),
)

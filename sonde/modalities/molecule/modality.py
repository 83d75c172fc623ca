"""Molecules, as graphs of atoms."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.table.modality import FILES

SDF, LINES = (".sdf", ".sd"), (".smi", ".smiles")  # files of molecules that are no tables

MOLECULE = Modality(
    kind="molecule",
    noun="molecules",
    input_word="SMILES",
    absent="holds no molecules",
    rows_to_predict="sonde.modalities.molecule.inputs:rows_to_predict",
    unit="atoms",
    reads=("target", "columns"),
    show="sonde.modalities.molecule.show:show",
    sample="sonde.modalities.molecule.sample:sample",
    activations_per_value="sonde.modalities.molecule.sample:activations_per_value",
    recipe="sonde.modalities.molecule.recipe",
    forms=(
        Form(
            name="tables of molecules as SMILES",
            sure=45,
            module="sonde.modalities.molecule.forms.smiles",
            endings=FILES,
        ),
        Form(
            name="SDF or .smi files with properties",
            sure=46,
            module="sonde.modalities.molecule.forms.files",
            endings=(*SDF, *LINES, ".gz"),
        ),
    ),
)

"""Proteins, as chains of residues or as backbones in space."""

from sonde.modalities.modality import Form, Modality

PROTEIN = Modality(
    kind="protein",
    noun="proteins",
    input_word="FILE",
    absent="holds no proteins",
    rows_to_predict="sonde.modalities.protein.forms.structures:rows_to_predict",
    unit="residues",
    reads=("target", "columns"),
    sample="sonde.modalities.protein.sample:sample",
    activations_per_value="sonde.modalities.protein.sample:activations_per_value",
    forms=(
        Form(
            name="a folder of PDB or mmCIF files",
            sure=50,
            module="sonde.modalities.protein.forms.structures",
            endings=(".pdb", ".ent", ".pdb1", ".cif", ".mmcif", ".gz"),
            tasks=("structure", "torsions", "inverse-folding"),
            targets=("distances", "torsions", "residues"),
            instead_of_columns="structures",
        ),
    ),
)

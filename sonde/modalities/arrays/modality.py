"""Arrays of numbers, one row each, which are neither images nor named columns."""

from sonde.modalities.modality import Form, Modality

ARRAY = Modality(
    kind="array",
    noun="rows of numbers",
    input_word="ARRAY",
    absent="holds no arrays",
    rows_to_predict="sonde.modalities.arrays.inputs:rows_to_predict",
    reads=("target", "columns"),
    forms=(
        Form(
            name="NPZ or NPY arrays",
            sure=90,
            module="sonde.modalities.arrays.forms.npz",
            endings=(".npz", ".npy"),
            packed=True,
        ),
    ),
)

"""Environments that are acted in: their rows are episodes, and there is no end of them."""

from sonde.acting.config import EnvironmentConfig
from sonde.modalities.modality import Form, Modality

ENVIRONMENT = Modality(
    kind="environment",
    noun="environments",
    input_word="OBSERVATIONS.npy",
    row=("episode", "episodes"),
    row_of="sonde.modalities.environment.words:row_of",
    absent="holds no environment",
    rows_to_predict="sonde.modalities.environment.inputs:rows_to_predict",
    config=EnvironmentConfig,
    forms=(
        Form(
            name="logged transitions (NPZ, CSV, Parquet, Minari's HDF5)",
            sure=97,
            module="sonde.modalities.environment.forms.log",
            endings=(".npz", ".hdf5", ".h5", ".parquet", ".csv"),
            packed=True,
        ),
    ),
    schemes={
        "gym": "sonde.modalities.environment.gym:read",
        "env": "sonde.modalities.environment.own:read",
        "atari": "sonde.modalities.environment.atari:read",
        "game": "sonde.modalities.environment.game:read",
    },
    meant="sonde.modalities.environment.words:meant",
    acted=True,
    unread="sonde.modalities.environment.words:unread",
    given="sonde.modalities.environment.own:given",
    inspect="sonde.modalities.environment.inspection:PARTS",
)

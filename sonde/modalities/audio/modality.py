"""Recordings, with classes or transcripts."""

from sonde.modalities.audio.config import AudioConfig
from sonde.modalities.modality import Form, Modality

AUDIO = Modality(
    kind="audio",
    noun="recordings",
    input_word="RECORDING",
    absent="was not read as recordings",
    rows_to_predict="sonde.modalities.audio.inputs:rows_to_predict",
    unit="samples",
    config=AudioConfig,
    reads=("target", "columns", "group"),
    augmentation="sonde.modalities.audio.augmentation:augmentation",
    show="sonde.modalities.audio.show:show",
    activations_per_value="sonde.modalities.audio.augmentation:activations_per_value",
    made="sonde.modalities.audio.made:MADE",
    recipe="sonde.modalities.audio.recipe",
    forms=(
        Form(
            name="recordings (.wav, .flac) in class folders, with labels in their names or named in a table",
            sure=60,
            module="sonde.modalities.audio.forms.recordings",
            endings=(".wav", ".flac", ".ogg", ".mp3", ".csv", ".tsv", ".jsonl", ".json", ".scp"),
            tasks=("speech-recognition",),
        ),
    ),
)

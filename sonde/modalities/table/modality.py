"""Tables: rows of numbers, categories and dates in named columns."""

from sonde.modalities.modality import Form, Modality
from sonde.modalities.table.config import TableConfig

FILES = (".csv", ".tsv", ".tab", ".data", ".parquet", ".pq", ".feather", ".arrow", ".jsonl", ".ndjson", ".json", ".gz")

TABLE = Modality(
    kind="table",
    noun="tables",
    input_word="TABLE",
    absent="was not read as a table",
    rows_to_predict="sonde.modalities.table.inputs:rows_to_predict",
    config=TableConfig,
    inspect="sonde.modalities.table.inspection:PARTS",
    recipe="sonde.modalities.table.recipe",
    show="sonde.modalities.table.show:show",
    made="sonde.modalities.table.made:MADE",
    classical="sonde.modalities.table.classical:predicted",
    forms=(
        Form(
            name="CSV, TSV, JSON-lines or Parquet tables",
            sure=30,
            module="sonde.modalities.table.forms.tables",
            frames=True,
            endings=FILES,
        ),
    ),
)

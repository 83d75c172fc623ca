"""A schema as it stands in a run folder: schema.json, and a file for each vocabulary."""

from sonde.core.dataset import Schema
from sonde.core.files import read_json, write_json, write_text
from sonde.core.run_folder import RunFolder


def write_schema(folder: RunFolder, schema: Schema) -> None:
    """schema.json, with tokenizer.json for tokens that go in and target-tokenizer.json for others that come out."""
    write_json(folder.schema, schema.as_dict())
    if schema.input.tokenizer:
        write_text(folder.tokenizer, schema.input.tokenizer)
    if schema.target.tokenizer and schema.target.tokenizer != schema.input.tokenizer:
        write_text(folder.target_tokenizer, schema.target.tokenizer)


def read_schema(folder: RunFolder) -> Schema:
    """What `write_schema` wrote. Raises: RunFolderError naming the file that cannot be read"""
    saved = read_json(folder.schema)
    tokenizer = folder.tokenizer.read_text(encoding="utf-8") if folder.tokenizer.exists() else ""
    of_target = tokenizer if saved["target"].get("symbols") else ""
    if folder.target_tokenizer.exists():
        of_target = folder.target_tokenizer.read_text(encoding="utf-8")
    return Schema.from_dict(saved, tokenizer=tokenizer, target_tokenizer=of_target)

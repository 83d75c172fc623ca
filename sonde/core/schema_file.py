"""A schema as it stands in a run folder: schema.json, and a file for each vocabulary."""

from pathlib import Path

from sonde.core.damaged import read_object, reading
from sonde.core.dataset import Schema
from sonde.core.errors import DataError
from sonde.core.files import write_json, write_text
from sonde.core.run_folder import RunFolder
from sonde.core.vocabulary import read_vocabulary


def write_schema(folder: RunFolder, schema: Schema) -> None:
    """schema.json, with tokenizer.json for tokens that go in and target-tokenizer.json for others that come out."""
    write_json(folder.schema, schema.as_dict())
    if schema.input.tokenizer:
        write_text(folder.tokenizer, schema.input.tokenizer)
    if schema.target.tokenizer and schema.target.tokenizer != schema.input.tokenizer:
        write_text(folder.target_tokenizer, schema.target.tokenizer)


def read_schema(folder: RunFolder) -> Schema:
    """What `write_schema` wrote. Raises: RunFolderError naming the file that cannot be read"""
    saved = read_object(folder.schema, run=folder.path)
    with reading(folder.schema, run=folder.path):
        known = [saved[part].get("symbols") for part in ("input", "target")]
    tokenizer = _vocabulary(folder.tokenizer, folder, known[0])
    of_target = _vocabulary(folder.target_tokenizer, folder, known[1])
    with reading(folder.schema, run=folder.path):
        if not folder.target_tokenizer.exists():
            of_target = tokenizer if saved["target"].get("symbols") else ""
        return Schema.from_dict(saved, tokenizer=tokenizer, target_tokenizer=of_target)


def _vocabulary(file: Path, folder: RunFolder, symbols: object) -> str:
    """The content of a file of a vocabulary that can be read as one, "" where there is none.

    symbols: how many the network knows, as schema.json has it
    Raises: RunFolderError
    """
    if not file.exists():
        return ""
    with reading(file, run=folder.path):
        content = file.read_text(encoding="utf-8")
        try:
            found = read_vocabulary(content).size
        except DataError as error:
            raise ValueError(str(error).partition(";")[0]) from None
        if isinstance(symbols, int) and symbols and found > symbols:
            raise ValueError(f"it has {found:,} symbols, and the network knows {symbols:,}")
    return content

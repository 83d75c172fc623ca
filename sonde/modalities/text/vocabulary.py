"""The vocabulary that a form reads text with: an earlier run's where one is named, else one trained on the text."""

from collections.abc import Sequence
from pathlib import Path

from sonde.core.config import DataConfig
from sonde.core.damaged import reading
from sonde.core.errors import DataError
from sonde.core.run_folder import RunFolder
from sonde.core.vocabulary import SPECIAL, Vocabulary, read_vocabulary
from sonde.modalities.text.config import TextConfig, TokenizerName
from sonde.modalities.text.published_vocabulary import is_published, renumbered
from sonde.modalities.text.train_vocabulary import train_vocabulary


def vocabulary_for(
    texts: Sequence[str], config: DataConfig, *, auto: TokenizerName = "auto", least: int = 1
) -> tuple[Vocabulary, str]:
    """(vocabulary, where it comes from in words).

    auto: the kind that --tokenizer auto means here;  least: how often a word must occur
    Raises: DataError when the run or file that `--vocabulary-of` names has none; MissingDependency
    """
    settings = config.of(TextConfig)
    if settings.vocabulary_of is not None:
        return earlier_vocabulary(settings.vocabulary_of), f"of {settings.vocabulary_of}"
    kind = auto if settings.tokenizer == "auto" else settings.tokenizer
    return train_vocabulary(texts, kind=kind, size=settings.vocabulary, least=least), "of the training text"


def earlier_vocabulary(where: str) -> Vocabulary:
    """The vocabulary that a run's input was read with, or that a tokenizer.json holds. Raises: DataError when there is none."""
    path = Path(where).expanduser()
    file = RunFolder(path).tokenizer if path.is_dir() else path
    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"--vocabulary-of {where}: there is no {file} with a vocabulary; name the folder of a run on text, or its "
            "tokenizer.json"
        ) from None
    with reading(file, run=file.parent):
        try:
            found = read_vocabulary(renumbered(content)[0] if is_published(content) else content)
        except DataError as error:
            raise DataError(f"{file}: {error}") from None
    if found.symbol(0) not in (SPECIAL[0], "[PAD]"):
        raise DataError(
            f"--vocabulary-of {where}: the first token of {file} is {found.symbol(0)!r}, and padding is needed there; take the "
            "tokenizer.json of a run on text, or of a BERT"
        )
    return found

"""Text as numbers and back: the input of a token model, and its decoded output."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sonde.core.catalogue import require
from sonde.core.errors import DataError, first_line
from sonde.core.files import parsed_json

PAD, UNKNOWN, BEGIN, END = range(4)
SPECIAL = ("<pad>", "<unk>", "<bos>", "<eos>")
"""What the first four numbers of every vocabulary stand for. A padded place is 0 and never anything else."""

WORD = re.compile(r"\w+|[^\w\s]")


class Vocabulary(Protocol):
    """Numbers for pieces of text.

    size:     how many numbers there are, the four of `SPECIAL` included
    encode:   without BEGIN and END; what has no number becomes UNKNOWN
    decode:   PAD, BEGIN and END are passed over
    symbol: how one number is shown
    to_json:  all of it, for `read_vocabulary`
    """

    @property
    def size(self) -> int: ...
    def encode(self, text: str) -> list[int]: ...
    def encode_all(self, texts: Sequence[str]) -> list[list[int]]: ...
    def decode(self, ids: Iterable[int]) -> str: ...
    def symbol(self, number: int) -> str: ...
    def to_json(self) -> str: ...


@dataclass(frozen=True)
class Characters:
    """One number a character: letters, residues, nucleotides.

    symbols: the characters, of which the first has the number 4
    upper:   letters of either case are the capital

    >>> letters = Characters(("a", "b"))
    >>> letters.encode("abc"), letters.decode([4, 5, 3]), letters.size
    ([4, 5, 1], 'ab', 6)
    """

    symbols: tuple[str, ...]
    upper: bool = False
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {symbol: n for n, symbol in enumerate(self.symbols, len(SPECIAL))})

    @property
    def size(self) -> int:
        """Characters and specials."""
        return len(SPECIAL) + len(self.symbols)

    def encode(self, text: str) -> list[int]:
        """A number for each character."""
        return [self._numbers.get(character, UNKNOWN) for character in (text.upper() if self.upper else text)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of each."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """The characters end to end; an unknown one is �."""
        return "".join(
            self.symbol(n) if n >= len(SPECIAL) else "\N{REPLACEMENT CHARACTER}" for n in _without_marks(ids)
        )

    def symbol(self, number: int) -> str:
        """The character, or the special's name."""
        return SPECIAL[number] if number < len(SPECIAL) else self.symbols[number - len(SPECIAL)]

    def to_json(self) -> str:
        """For `read_vocabulary`."""
        saved = {"kind": "characters", "upper": self.upper, "symbols": "".join(self.symbols)}
        return json.dumps(saved, ensure_ascii=False)


@dataclass(frozen=True)
class Words:
    """One number a word or mark of punctuation, in lower case where `lower`.

    >>> words = Words(("good", "film"))
    >>> words.encode("Good film!"), words.decode([4, 5, 1])
    ([4, 5, 1], 'good film <unk>')
    """

    symbols: tuple[str, ...]
    lower: bool = True
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_numbers", {symbol: n for n, symbol in enumerate(self.symbols, len(SPECIAL))})

    @property
    def size(self) -> int:
        """Words and specials."""
        return len(SPECIAL) + len(self.symbols)

    def encode(self, text: str) -> list[int]:
        """A number for each word."""
        return [self._numbers.get(word, UNKNOWN) for word in split_words(text, lower=self.lower)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of each."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """The words with a space between them."""
        return " ".join(self.symbol(number) for number in _without_marks(ids))

    def symbol(self, number: int) -> str:
        """The word, or the special's name."""
        return SPECIAL[number] if number < len(SPECIAL) else self.symbols[number - len(SPECIAL)]

    def to_json(self) -> str:
        """For `read_vocabulary`."""
        return json.dumps({"kind": "words", "lower": self.lower, "symbols": list(self.symbols)}, ensure_ascii=False)


class Subwords:
    """Pieces of words by Hugging Face's `tokenizers`; its vocabulary begins with `SPECIAL`."""

    def __init__(self, content: str) -> None:
        """content: the JSON of a tokenizer. Raises: MissingDependency, DataError for another"""
        library = require("tokenizers", extra="text", purpose="reading subwords")
        self._content = content
        try:
            self._tokenizer: Any = library.Tokenizer.from_str(content)
        except Exception as error:  # the library raises no other kind
            raise DataError(f"the vocabulary cannot be read ({first_line(error)[:200]}); copy its file again") from None

    @property
    def size(self) -> int:
        """Pieces and specials."""
        return int(self._tokenizer.get_vocab_size())

    def encode(self, text: str) -> list[int]:
        """A number for each piece."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of each, by several threads."""
        return [found.ids for found in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Of each piece its first character in `text` and the one behind its last."""
        return self._tokenizer.encode(text, add_special_tokens=False).offsets

    def decode(self, ids: Iterable[int]) -> str:
        """The text, specials passed over."""
        return self._tokenizer.decode(list(_without_marks(ids)), skip_special_tokens=False)

    def symbol(self, number: int) -> str:
        """The piece as the tokenizer writes it."""
        return self._tokenizer.id_to_token(number) or ""

    def to_json(self) -> str:
        """As it was read."""
        return self._content

    def __getstate__(self) -> str:
        return self._content

    def __setstate__(self, content: str) -> None:
        self.__init__(content)


def read_vocabulary(content: str) -> Vocabulary:
    """The vocabulary that `to_json` wrote. Raises: DataError, MissingDependency."""
    try:
        saved = check_vocabulary(content)
    except ValueError as error:
        raise DataError(f"the vocabulary is not valid JSON ({first_line(error)}); copy the run folder again") from None
    if saved.get("kind") == "characters":
        return Characters(tuple(saved["symbols"]), upper=bool(saved.get("upper", False)))
    if saved.get("kind") == "words":
        return Words(tuple(saved["symbols"]), lower=bool(saved.get("lower", True)))
    return Subwords(content)


def check_vocabulary(content: str) -> dict[str, Any]:
    """The JSON of a vocabulary. Raises: ValueError for what `to_json` of none writes"""
    saved = parsed_json(content)
    if not isinstance(saved, dict):
        raise ValueError("a vocabulary is an object")
    if saved.get("kind") in ("characters", "words"):
        symbols = saved.get("symbols")
        if not isinstance(symbols, list | str) or not all(isinstance(symbol, str) for symbol in symbols):
            raise ValueError("its symbols are not a list of texts")
    return saved


def characters_of(texts: Iterable[str]) -> Characters:
    """A vocabulary of all characters in some texts, sorted."""
    return Characters(tuple(sorted(set().union(*map(set, texts)))))


def words_of(texts: Iterable[str], *, most: int, least: int = 1, lower: bool = True) -> Words:
    """The `most` frequent words that occur at least `least` times, the most frequent first, ties by alphabet."""
    counts = Counter(word for text in texts for word in split_words(text, lower=lower))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Words(tuple(word for word, number in ordered[:most] if number >= least), lower=lower)


def split_words(text: str, *, lower: bool = True) -> list[str]:
    """Words and single marks of punctuation.

    >>> split_words("It's good.")
    ['it', "'", 's', 'good', '.']
    """
    return WORD.findall(text.lower() if lower else text)


def _without_marks(ids: Iterable[int]) -> Iterable[int]:
    return (number for number in ids if number not in (PAD, BEGIN, END))

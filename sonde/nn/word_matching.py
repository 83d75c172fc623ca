"""Which tokens make up a word, and which words of two texts are the same, found from the tokens alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.vocabulary import BEGIN, SPECIAL, Subwords, Vocabulary

MARKS = ("▁", "Ġ", "##")  # that vocabularies of pieces put before a piece: of the first two a space stood there
LONGEST = 64  # characters of a word that are compared
STEMS = (4, 6)  # words match whose first so many characters are equal
BASE = 1_000_003  # of the polynomial hash of a word's characters
SHAPES = 9  # numbers of `Spelling.shaped`

# B rows, T tokens, S symbols of the vocabulary


class Spelling(nn.Module):
    """What the symbols of a vocabulary look like, as tables; without a vocabulary each symbol is a word of its own.

    Words are compared by a hash of their characters in lower case, modulo 2⁶⁴: however they are cut into pieces, the same
    word has the same hash, because that of a word is the sum over its pieces of each one's own times BASE to the power of
    the characters before it (Karp and Rabin 1987, Efficient randomized pattern-matching algorithms).
    shapes: of each symbol, see `_shape`
    """

    begins: Tensor
    opens: Tensor
    closes: Tensor
    sizes: Tensor
    hashes: Tensor
    shapes: Tensor
    powers: Tensor
    stops: Tensor

    def __init__(self, symbols: int, vocabulary: Vocabulary | None) -> None:
        super().__init__()
        texts = [_symbol(vocabulary, number) for number in range(symbols)]
        plain = [text.removeprefix(_mark(text)).lower() for text in texts]
        always = not isinstance(vocabulary, Subwords)
        tables = {
            "begins": [always or bool(_mark(text)) and _mark(text) != "##" for text in texts],
            "opens": [bool(text) and text[0].isalnum() for text in plain],
            "closes": [bool(text) and text[-1].isalnum() for text in plain],
            "sizes": [len(text) for text in plain],
            "stops": [text in {".", "!", "?"} for text in plain],
        }
        for name, values in tables.items():
            self.register_buffer(name, torch.tensor(values), persistent=False)
        powers = [_wrapped(pow(BASE, power, 2**64)) for power in range(LONGEST + 1)]
        self.register_buffer("powers", torch.tensor(powers), persistent=False)
        prefixes = torch.tensor([[_hash(text[:size]) for size in range(max(STEMS) + 1)] for text in plain])
        whole = torch.tensor([_hash(text) for text in plain])
        self.register_buffer("hashes", torch.cat([prefixes, whole[:, None]], 1), persistent=False)
        shapes = torch.tensor([_shape(text.removeprefix(_mark(text))) for text in texts])
        self.register_buffer("shapes", shapes, persistent=False)

    def words(self, tokens: Tensor) -> Tensor:
        """(B, T) int64: which word of its row each token is part of, ascending from 0."""
        before = F.pad(tokens[:, :-1], (1, 0), value=BEGIN)
        inside = self.opens[tokens] & self.closes[before]  # special symbols have no letters: words end at them
        return (self.begins[tokens] | ~inside).long().cumsum(1) - 1

    def hashed(self, tokens: Tensor, words: Tensor) -> Tensor:
        """(B, T, 1 + stems) int64: of each token the hash of its word, and of the word's first characters."""
        sizes = self.sizes[tokens]
        before = sizes.cumsum(1) - sizes
        begins = F.pad(words[:, 1:] != words[:, :-1], (1, 0), value=True)
        offset = before - torch.where(begins, before, 0).cummax(1).values
        power = self.powers[offset.clamp(max=LONGEST)]
        table = self.hashes[tokens]
        parts = [table[..., -1] * power]
        for stem in STEMS:
            left = (stem - offset).clamp(min=0, max=max(STEMS))
            parts.append(table.gather(2, torch.minimum(left, sizes.clamp(max=max(STEMS)))[..., None])[..., 0] * power)
        each = torch.stack(parts, 2)
        place = words[..., None].expand_as(each)
        return torch.zeros_like(each).scatter_add(1, place, each).gather(1, place)

    def shaped(self, tokens: Tensor, words: Tensor) -> Tensor:
        """(B, T, SHAPES): of each token what its word looks like, and whether the word begins and ends there."""
        each = self.shapes[tokens]
        place = words[..., None].expand_as(each)
        whole = torch.zeros_like(each).scatter_reduce(1, place, each, "amax").gather(1, place)
        begins = F.pad(words[:, 1:] != words[:, :-1], (1, 0), value=True)
        ends = F.pad(begins[:, 1:], (0, 1), value=True)
        return torch.cat([whole, torch.stack([begins, ends], 2).to(whole.dtype)], 2)

    def sentences(self, tokens: Tensor) -> Tensor:
        """(B, T) int64: which sentence of its row each token stands in: a mark that ends one belongs to it."""
        stops = self.stops[tokens].long()
        return stops.cumsum(1) - stops


def _symbol(vocabulary: Vocabulary | None, number: int) -> str:
    """A symbol's text; a letter of its own where there is no vocabulary, "" for the special ones."""
    if number < len(SPECIAL):
        return ""
    return chr(0x4E00 + number) if vocabulary is None else vocabulary.symbol(number)


def _mark(text: str) -> str:
    return next((mark for mark in MARKS if text.startswith(mark)), "")


def _hash(text: str) -> int:
    """Σ (character + 1) BASE^place, modulo 2⁶⁴, as a signed number."""
    total = 0
    for place, character in enumerate(text[:LONGEST]):
        total += (ord(character) + 1) * pow(BASE, place, 2**64)
    return _wrapped(total)


def _wrapped(value: int) -> int:
    value %= 2**64
    return value - 2**64 if value >= 2**63 else value


def _shape(text: str) -> list[float]:
    """Begins with a capital, is all capitals, has a digit, is four digits, is no letter or digit, its length, ends a sentence.

    >>> _shape("1990"), _shape("Denver")[:2]
    ([0.0, 0.0, 1.0, 1.0, 0.0, 0.4, 0.0], [1.0, 0.0])
    """
    return [
        float(text[:1].isupper()),
        float(text.isupper() and len(text) > 1),
        float(any(character.isdigit() for character in text)),
        float(text.isdigit() and len(text) == 4),
        float(bool(text) and not any(character.isalnum() for character in text)),
        min(len(text), 10) / 10,
        float(text in (".", "!", "?")),
    ]

"""A vocabulary out of a user's training text: which tokens there are, and how a text is cut into them."""

from collections.abc import Iterable, Sequence
from typing import Any

from sonde.core.catalogue import require
from sonde.core.vocabulary import SPECIAL, Subwords, Vocabulary, characters_of, split_words, words_of
from sonde.modalities.text.config import TokenizerName

MOST_WORDS = 30_000
MOST_PIECES = 8_000
BYTES = 256  # all of them are in a vocabulary of bytes
LONG_RUN = 15  # mean characters between spaces above which a writing puts none between words
LOOKED_AT = 1_000  # texts that the choice is made by


def train_vocabulary(
    texts: Iterable[str], *, kind: TokenizerName = "auto", size: int = 0, least: int = 1
) -> Vocabulary:
    """A vocabulary of at most `size` tokens, the four of `SPECIAL` among them; 0 lets the kind choose.

    texts: read once, and where the kind is given no more than one of them is held at a time
    kind: auto is `chosen_kind`; bpe merges characters within words (Sennrich et al. 2015, arXiv:1508.07909), bytes does so
          with the bytes of all text (Radford et al. 2019), and then nothing is unknown
    least: how often a word must occur
    The same texts give the same vocabulary. Raises: MissingDependency for bpe and bytes without `tokenizers`
    """
    if kind == "auto":
        texts = list(texts)
        kind = chosen_kind(texts)
    if kind == "characters":
        return characters_of(texts) if not size else _frequent_characters(texts, size)
    if kind == "words":
        return words_of(texts, most=(size or MOST_WORDS) - len(SPECIAL), least=least)
    return Subwords(_pieces(texts, size=size or MOST_PIECES, of_bytes=kind == "bytes"))


def chosen_kind(texts: Sequence[str]) -> TokenizerName:
    """Words; characters where a writing puts no spaces between words (Chinese, Japanese, Thai), or texts are single words.

    >>> chosen_kind(["a film of rare charm"]), chosen_kind(["这部电影充满了罕见的魅力和想象力"])
    ('words', 'characters')
    """
    found = texts[:LOOKED_AT]
    words, runs = sum(len(split_words(text)) for text in found), [run for text in found for run in text.split()]
    if words < 2 * len(found) or sum(map(len, runs)) > LONG_RUN * len(runs):
        return "characters"
    return "words"


def _frequent_characters(texts: Iterable[str], size: int) -> Vocabulary:
    from collections import Counter

    from sonde.core.vocabulary import Characters

    counts = Counter(character for text in texts for character in text)
    frequent = sorted(counts, key=lambda character: (-counts[character], character))[: max(1, size - len(SPECIAL))]
    return Characters(tuple(sorted(frequent)))


def _pieces(texts: Iterable[str], *, size: int, of_bytes: bool) -> str:
    """The JSON of a trained tokenizer. Spaces are part of the pieces, so decoding gives the text back."""
    library: Any = require("tokenizers", extra="text", purpose="training a BPE vocabulary")
    from tokenizers import decoders, models, pre_tokenizers, trainers

    alphabet: list[str] = []
    if of_bytes:
        tokenizer = library.Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet, size = pre_tokenizers.ByteLevel.alphabet(), max(size, BYTES + len(SPECIAL))
    else:
        tokenizer = library.Tokenizer(models.BPE(unk_token=SPECIAL[1]))
        lines = pre_tokenizers.Split("\n", "isolated")
        spaces = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([lines, spaces, pre_tokenizers.Punctuation()])
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=alphabet,
        limit_alphabet=max(1, size - len(SPECIAL)),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer.to_str()

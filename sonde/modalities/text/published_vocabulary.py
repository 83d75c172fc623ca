"""Published vocabularies (Hugging Face's tokenizer.json), BERT's and GPT-2's, with our numbers for special tokens."""

import json
from typing import Any

from sonde.core.files import parsed_json
from sonde.core.vocabulary import BEGIN, END, PAD, SPECIAL, UNKNOWN

OURS = {"[PAD]": PAD, "[UNK]": UNKNOWN, "[CLS]": BEGIN, "[SEP]": END}


TEXT_END = "<|endoftext|>"  # the only special token of GPT-2


def is_published(content: str) -> bool:
    """Whether the JSON of a tokenizer holds the four special tokens of BERT, or that of GPT-2 and none of ours."""
    try:
        vocabulary = parsed_json(content)["model"]["vocab"]
    except (ValueError, TypeError, KeyError):
        return False
    if not isinstance(vocabulary, dict):
        return False
    return vocabulary.keys() >= OURS.keys() or (TEXT_END in vocabulary and SPECIAL[PAD] not in vocabulary)


def renumbered(content: str) -> tuple[str, list[int]]:
    """(the same tokenizer in which special tokens have our numbers, of each number the one that its token had).

    Each special token of BERT changes places with the one that has its number. GPT-2's stands where a text ends; the three that
    it lacks come before it, and have its number of before. What adds special tokens, cuts and pads is taken out: rows are made
    by `sonde.data`.
    """
    saved = parsed_json(content)
    before = saved["model"]["vocab"]
    if not before.keys() >= OURS.keys():
        return _with_special_tokens(saved)
    tokens = sorted(before, key=lambda token: before[token])
    for name, number in OURS.items():
        place = tokens.index(name)
        tokens[place], tokens[number] = tokens[number], tokens[place]
    after = {token: number for number, token in enumerate(tokens)}
    saved["model"]["vocab"] = after
    for entry in saved.get("added_tokens") or []:
        entry["id"] = after[entry["content"]]
    saved |= {"post_processor": None, "padding": None, "truncation": None}
    return json.dumps(saved, ensure_ascii=False), [before[token] for token in tokens]


def _with_special_tokens(saved: Any) -> tuple[str, list[int]]:
    """The same of a vocabulary like GPT-2's, of which only the end of a text is a special token."""
    before = saved["model"]["vocab"]
    rest = [token for token in sorted(before, key=lambda token: before[token]) if token != TEXT_END]
    ours = [TEXT_END if number == END else name for number, name in enumerate(SPECIAL)]
    after = {token: number for number, token in enumerate([*ours, *rest])}
    saved["model"]["vocab"] = after
    added = [entry for entry in saved.get("added_tokens") or [] if entry["content"] in after]
    like = next((entry for entry in added if entry["content"] == TEXT_END), {"special": True, "normalized": False})
    flags = {"single_word": False, "lstrip": False, "rstrip": False, **like}
    others = [entry for entry in added if entry["content"] not in ours]
    saved["added_tokens"] = sorted(
        ({**entry, "id": after[entry["content"]]} for entry in ({**flags, "content": name} for name in ours)),
        key=lambda entry: entry["id"],
    ) + [{**entry, "id": after[entry["content"]]} for entry in others]
    saved |= {"post_processor": None, "padding": None, "truncation": None}
    return json.dumps(saved, ensure_ascii=False), [before.get(token, before[TEXT_END]) for token in after]

"""BERT's published vocabularies (Hugging Face's tokenizer.json) with our numbers for padding, unknown, begin and end."""

import json

from sonde.core.files import parsed_json
from sonde.core.vocabulary import BEGIN, END, PAD, UNKNOWN

OURS = {"[PAD]": PAD, "[UNK]": UNKNOWN, "[CLS]": BEGIN, "[SEP]": END}


def is_bert_vocabulary(content: str) -> bool:
    """Whether the JSON of a tokenizer holds the four special tokens of BERT."""
    try:
        vocabulary = parsed_json(content)["model"]["vocab"]
    except (ValueError, TypeError, KeyError):
        return False
    return isinstance(vocabulary, dict) and vocabulary.keys() >= OURS.keys()


def renumbered(content: str) -> tuple[str, list[int]]:
    """(the same tokenizer in which special tokens have our numbers, of each number the one that its token had).

    Each special token changes places with the one that has its number. What adds special tokens, cuts and pads is taken out:
    rows are made by `sonde.data`.
    """
    saved = parsed_json(content)
    before = saved["model"]["vocab"]
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

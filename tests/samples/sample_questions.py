"""Small files in the layout of SQuAD v1.1: articles, paragraphs of facts, a question for each."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

NAMES = (
    "Anna Weber",
    "Omar Haddad",
    "Liu Yang",
    "Maria Silva",
    "John Carter",
    "Nina Petrova",
    "Kofi Mensah",
    "Eva Lind",
)
TOWNS = ("Lisbon", "Oslo", "Cairo", "Lima", "Kyoto", "Quito", "Riga", "Accra", "Turin", "Perth")
THINGS = ("bridge", "museum", "harbour", "library", "theatre", "station", "garden", "school")
FILLER = "The weather was mild. Many people came to see it. "


def article(
    title: str, rng: np.random.Generator, *, paragraphs: int = 3, facts: int = 3, filler: int = 1
) -> dict[str, Any]:
    """An article whose paragraphs say who built what, where and when."""
    return {"title": title, "paragraphs": [paragraph(title, n, rng, facts, filler) for n in range(paragraphs)]}


def paragraph(title: str, number: int, rng: np.random.Generator, facts: int, filler: int) -> dict[str, Any]:
    context, qas = "", []
    for fact, thing in enumerate(rng.choice(THINGS, facts, replace=False)):
        who, town, year = rng.choice(NAMES), rng.choice(TOWNS), int(rng.integers(1800, 2000))
        context += FILLER * filler
        begin = len(context)
        context += f"The {thing} of {town} was built by {who} in {year}. "
        question, text = (
            (f"Who built the {thing} of {town}?", str(who)),
            (f"When was the {thing} of {town} built?", str(year)),
        )[fact % 2]
        qas.append(
            {
                "id": f"{title}-{number}-{fact}",
                "question": question,
                "answers": [{"text": text, "answer_start": context.index(text, begin)}],
            }
        )
    return {"context": context.strip(), "qas": qas}


def content(articles: int = 6, *, seed: int = 0, **more: int) -> dict[str, Any]:
    """What a file holds."""
    rng = np.random.default_rng(seed)
    return {"version": "1.1", "data": [article(f"Article_{n}", rng, **more) for n in range(articles)]}


def write(path: Path, given: dict[str, Any]) -> Path:
    """The file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(given), encoding="utf-8")
    return path


def with_answers(given: dict[str, Any], answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The same, the first question with other answers."""
    given["data"][0]["paragraphs"][0]["qas"][0]["answers"] = list(answers)
    return given

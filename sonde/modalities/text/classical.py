"""Logistic regression on the weights of a text's tokens (TF-IDF): what a network on texts is compared with.

Source: Salton and Buckley 1988, Information Processing and Management 24; scikit-learn's defaults, with pairs of tokens.
"""

import time
from typing import Any

import numpy as np

from sonde.core.dataset import Rows, Schema
from sonde.core.vocabulary import PAD

NAME = "logistic regression on TF-IDF (scikit-learn)"
MOST_TOKENS = 2_000_000  # of all rows together: a second or two of counting


def predicted(schema: Schema, train: Rows, other: Rows, seconds: float) -> tuple[str, np.ndarray] | None:
    """(name, probabilities (N, classes)) of the other rows; None for values, for too many tokens, and when time ran out."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    begun = time.perf_counter()
    if not schema.target.has_classes or _tokens(train) + _tokens(other) > MOST_TOKENS:
        return None
    settings: dict[str, Any] = {"analyzer": _terms}  # a checker takes its default for its kind
    weights = TfidfVectorizer(**settings, sublinear_tf=True, min_df=2)
    known = train.read(np.arange(len(train)))
    try:
        inputs = weights.fit_transform(known["input"])
    except ValueError:  # no term occurs twice
        return None
    if time.perf_counter() - begun > 0.6 * seconds:
        return None
    model = LogisticRegression(max_iter=100, tol=1e-3, C=3.0)
    model.fit(inputs, known["target"])
    return NAME, model.predict_proba(weights.transform(other.read(np.arange(len(other)))["input"]))


def _terms(row: np.ndarray) -> list[tuple[int, ...]]:
    """Tokens and pairs of them, without padding."""
    tokens = row[row != PAD].tolist()
    return [*((token,) for token in tokens), *zip(tokens, tokens[1:], strict=False)]


def _tokens(rows: Rows) -> int:
    """How many numbers reading all rows gives, padding among them."""
    lengths = getattr(rows, "lengths", None)
    return len(rows) * int(lengths().max(initial=0)) if lengths is not None else 0

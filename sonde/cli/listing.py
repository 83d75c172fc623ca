"""What the verbs that list have in common: a word to choose by."""

from collections.abc import Mapping

from sonde.core.errors import ConfigError, nearest


def matching(what: str, word: str, texts: Mapping[str, str]) -> list[str]:
    """The names whose text holds `word` in any case.

    Raises: ConfigError when there is none, with the nearest

    >>> matching("model", "res", {"mlp": "mlp", "resnet18": "resnet18, He et al."})
    ['resnet18']
    """
    found = [name for name, text in texts.items() if word.lower() in text.lower()]
    if not found:
        near = nearest(word.lower(), texts, count=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(texts)}"
        raise ConfigError(f"no {what} matches {word!r}; {hint}")
    return found

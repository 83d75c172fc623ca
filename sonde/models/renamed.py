"""Settings of models that had another name in earlier versions, so that run folders written then still open. Free of torch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sonde.core.bounds import flag
from sonde.core.config_file import SavedConfig
from sonde.core.errors import ConfigError
from sonde.models.table import MODELS

RENAMED: Mapping[str, Mapping[str, str]] = {
    "compact-cnn": {"depth": "layers"},
    "unet": {"depth": "layers"},
    "detector": {"head_depth": "head_layers"},
    "tabular": {"depth": "layers", "embedding_dim": "embedding"},
    "dlinear": {"trend_steps": "kernel", "apart": "individual"},
    "nlinear": {"apart": "individual"},
    "nhits": {"pooled": "pool_kernels", "coarse": "downsample"},
    "patchtst": {"dim": "width", "patch_steps": "patch", "feed_forward": "mlp_width"},
    "recurrent": {"units": "width"},
    "recurrent-forecaster": {"units": "width"},
    "recurrent-lm": {"units": "width"},
    "seq2seq": {"units": "width"},
    "modern-gpt": {"depth": "layers", "groups": "kv_heads"},
    "bert": {"positions": "max_positions"},
    "text-cnn": {"windows": "kernels", "filters": "width"},
    "tcn": {"channels": "width", "blocks": "layers"},
    "text-transformer": {"dim": "width"},
    "audio-cnn": {"channels": "widths"},
    "conformer": {"blocks": "layers"},
    "speech-transformer": {"blocks": "layers"},
    "graph-network": {"rounds": "layers"},
    "structure-network": {"blocks": "layers"},
    "pair-reader": {"known": "frequent_tokens"},
    "qa-reader": {"known": "frequent_tokens"},
    "torsion-network": {"residue_width": "embedding", "units": "width"},
    "inverse-folding": {"rounds": "layers"},
}
"""Family -> old name -> new name."""

Value = TypeVar("Value")


def of_model(model: Any) -> Mapping[str, str]:
    """Old name -> new name of a model's settings; nothing for a model that is not of the table."""
    return RENAMED.get(MODELS[model].family, {}) if isinstance(model, str) and model in MODELS else {}


def with_new_names(saved: SavedConfig) -> SavedConfig:
    """A saved config whose settings are called as they are today."""
    names = of_model(saved.settings.get("model"))
    return replace(
        saved,
        settings=_renamed(saved.settings, names),
        origin=_renamed(saved.origin, names),
        reasons=_renamed(saved.reasons, names),
    )


def refuse_old_name(name: str, model: str | None) -> None:
    """Raises: ConfigError with today's name, for a setting that was called `name`; of any model where none is named."""
    families = [of_model(model)] if model is not None else list(RENAMED.values())
    new = {names[name] for names in families if name in names}
    if new:
        raise ConfigError(f"{flag(name)} is called {' or '.join(map(flag, sorted(new)))} now")


def _renamed(values: Mapping[str, Value], names: Mapping[str, str]) -> dict[str, Value]:
    """A name whose new one is there too is that of another setting by now."""
    return {name if names.get(name) in values else names.get(name, name): value for name, value in values.items()}

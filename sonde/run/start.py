"""What stands in a run folder before the first step: the settings, the schema, what is known of the data, the machine."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.config import MAY_DIFFER, flat
from sonde.core.config_file import read_config, write_config
from sonde.core.dataset import Dataset, Fact
from sonde.core.errors import RunFolderError
from sonde.core.files import read_json, write_json
from sonde.core.nested import leaves
from sonde.core.run_folder import RunFolder
from sonde.core.schema_file import read_schema, write_schema
from sonde.core.seams import Bound
from sonde.data.splits import class_counts
from sonde.run.applicable import idle as idle_settings
from sonde.run.build import Assembly
from sonde.run.described import described
from sonde.run.environment import describe
from sonde.run.latent import PART
from sonde.run.model_file import keep
from sonde.run.resolve import Resolved


def write_start(
    folder: RunFolder,
    resolved: Resolved,
    about: Mapping[str, Any],
    assembly: Assembly,
    *,
    folds: bool,
    own: Mapping[str, Any],
    in_program: bool = False,
) -> None:
    """config.yaml without defaults that change nothing in such a run, schema.json, data.json and env.json.

    in_program: whether a call in a program began it, and no command line
    own: a loss and metrics of the caller's own, by name
    folds: whether this is the folder of a whole cross-validation, whose data are cut and described anew in each fold
    """
    idle = idle_settings(assembly) - MAY_DIFFER
    unread = {name for name in idle if resolved.origin.get(name, "default") == "default"}
    write_config(
        folder.config,
        data=about["source"],
        settings={name: value for name, value in flat(resolved.config).items() if name not in unread},
        origin={name: origin for name, origin in resolved.origin.items() if name not in unread},
        reasons=dict(resolved.reasons),
        own=own,
    )
    typed = resolved.origin.get("model") == "typed" and not resolved.config.place.trust_code
    kept = keep(folder, resolved.config.model, typed=typed)
    about = {**about, "code": {**about.get("code", {}), **kept}}
    if not about["code"]:
        del about["code"]
    if assembly.pool is not None and not folds:
        about = {**about, "generated": assembly.pool.keep(folder)}
    if assembly.coder is not None and not folds:
        about = {**about, PART: assembly.coder.keep(folder)}
    if folds or assembly.dataset is None:
        write_json(folder.data, dict(about))
    else:
        write_schema(folder, assembly.dataset.schema)
        write_json(folder.data, {**about, "class_counts": _class_counts(assembly.dataset)})
    if not folds:
        write_json(folder.env, {**describe(assembly.device), "in_program": in_program})


def mend_schema(folder: RunFolder, dataset: Dataset | None, report: Callable[[str], None]) -> None:
    """Write schema.json again where it is damaged or gone: the data, which are those of the run, say what it held.

    Raises: RunFolderError for a run that an earlier version began, which read such data in another way
    """
    if dataset is None:
        return
    try:
        begun, now = read_schema(folder).input, dataset.schema.input
    except RunFolderError as error:
        report(f"warning: {str(error).partition('; ')[0]}; it is written again from the data")
        write_schema(folder, dataset.schema)
        return
    if (begun.shape, begun.extra, begun.scale) != (now.shape, now.extra, now.scale):
        raise RunFolderError(
            f"{folder.path} was begun by an earlier version, which scaled or shaped these data in another way; it can be used as "
            "it is (sonde predict, eval), and to train on, start another run with --out NEW"
        )


def write_fields(folder: RunFolder, assembly: Assembly, batch: Batch, bound: Bound | None) -> None:
    """Add to data.json what a row of the caller's own data holds, by which `predict` knows rows again, and their facts."""
    known = {
        ".".join(map(str, path)): {"shape": list(leaf.shape[1:]), "dtype": str(leaf.dtype).removeprefix("torch.")}
        if isinstance(leaf, Tensor)
        else {"list": True}
        for name, field in batch.fields.items()
        for path, leaf in leaves(field, (name,))
    }
    inputs = [] if bound is None else list(bound.inputs)
    held = read_json(folder.data)
    write_json(folder.data, {**held, **described(assembly, batch, held), "fields": known, "inputs": inputs})


def write_reason(folder: RunFolder, name: str, why: str) -> None:
    """Replace a recipe's reason for a setting in config.yaml by what was found out since; another origin stays as it is."""
    saved = read_config(folder.config)
    if saved.origin.get(name) == "recipe":
        write_config(
            folder.config,
            data=str(saved.data),
            settings=saved.settings,
            origin=saved.origin,
            reasons={**saved.reasons, name: why},
            own=saved.own,
        )


def about_data(dataset: Dataset, *more: Fact) -> dict[str, Any]:
    """What data.json says of a dataset."""
    return {
        "source": dataset.source,
        "form": dataset.form,
        "facts": [{"what": fact.what, "why": fact.why} for fact in (*dataset.facts, *more)],
        "warnings": list(dataset.warnings),
        "splits": {name: len(rows) for name, rows in dataset.splits.items()},
        "fingerprint": dict(dataset.fingerprint),
        **({"goals": dict(dataset.goals)} if dataset.goals else {}),
    }


def _class_counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    names = dataset.schema.target.names
    found = {split: class_counts(rows, dataset.schema.target) for split, rows in dataset.splits.items()}
    return {s: dict(zip(names, each.tolist(), strict=True)) for s, each in found.items() if each is not None}

"""The task of a run folder, built again as its config.yaml and schema.json say; without weights."""

from collections.abc import Callable

from sonde.core.damaged import reading
from sonde.core.dataset import Schema
from sonde.core.run_folder import RunFolder
from sonde.core.seams import Task
from sonde.models.build import build as build_model
from sonde.run.latent import kept_coder
from sonde.run.model_file import as_trained
from sonde.run.resolve import settled
from sonde.tasks.table import build as build_task
from sonde.tasks.table import network_input, spec


def task_of(folder: RunFolder, schema_of: Callable[[], Schema], *, trust_code: bool) -> Task:
    """The task around a fresh network, in which codes of another run are made by the copy in the folder.

    schema_of: asked once the settings have shown that Sonde can build such a network
    trust_code: whether code is run that the folder brings along
    Raises: RunFolderError for a folder that is damaged, or code that is not trusted; ConfigError
    """
    with as_trained(folder, trusted=trust_code) as saved:
        config, schema = settled(saved), schema_of()
        coder = kept_coder(folder, schema.input, trust_code=trust_code) if spec(config.task).codes_of else None
        code = None if coder is None else coder.code
        with reading(folder.schema, run=folder.path):  # and config.yaml, whose values were looked at one by one
            given = network_input(config.task, schema.input, code)
            model = build_model(config.model, given, schema.target.out_dim, config.model_config)
            return build_task(config.task, model, schema.target, config.task_config, input=schema.input, code=code)

"""Commands that the end of a run offers."""

from sonde.core.config_file import in_memory, read_config
from sonde.core.marks import shell_quoted
from sonde.core.run_folder import RunFolder
from sonde.modalities.catalogue import modality
from sonde.report.folder import read_folder
from sonde.report.generating import judge_steps
from sonde.report.sample_quality import JUDGE, measured_how, motion_command
from sonde.run.job import Attempt
from sonde.run.report import as_shown
from sonde.run.resolve import CUSTOM_MODULE
from sonde.tasks.table import spec


def next_commands(attempt: Attempt) -> list[str]:
    """Each as it is typed."""
    folder = attempt.folder
    if attempt.built is None:
        again = f"sonde train --config {shell_quoted(str(folder.path))} --folds 0"
        held = in_memory(read_config(folder.config).data)
        return [
            f"open {shell_quoted(str(folder.report))}",
            "the same call with --folds 0 and --out another folder" if held else again,
        ]
    commands, dataset = [f"open {shell_quoted(str(folder.report))}"], attempt.built.dataset
    if attempt.config.model == CUSTOM_MODULE or dataset is None:  # only the caller's program can use such a network
        return commands
    about = modality(dataset.schema.input.kind)
    known = spec(attempt.config.task)
    commands += [
        text.format(run=shell_quoted(str(folder.path)), input=about.input_word) for text in known.next_commands
    ]
    if known.generates and about.made and about.judged:
        commands += _judging(folder, clips=dataset.schema.input.has_frames)
    return commands


def _judging(folder: RunFolder, *, clips: bool) -> list[str]:
    """How the samples are judged, as the report has it; nothing where no judge can be trained on these data."""
    run, data = str(folder.path), read_config(folder.config).data or "DATA"
    if clips:
        return [motion_command(run, data)]
    if in_memory(data):
        return [measured_how(run, data)]
    commands = [step.command for step in judge_steps(as_shown(read_folder(folder.path)))]
    return [each for each in commands if JUDGE not in each]  # of data without classes, which name no judge

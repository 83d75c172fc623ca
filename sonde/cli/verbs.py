"""The verbs, and the text of `sonde --help`."""

from typing import NamedTuple


class Verb(NamedTuple):
    """One row of `sonde --help`.

    run: "module:function" that takes the words after the verb;  usage: the verb and what it acts on
    timed: whether the function also takes `begun`, the process's first second, from which a time limit counts
    """

    run: str
    usage: str
    does: str
    example: str
    timed: bool = False


VERBS: dict[str, Verb] = {
    "train": Verb(
        "sonde.cli.train:run",
        "train DATA",
        "infer what the data are, train, judge on held-out rows, report",
        "sonde train digits --epochs 5",
        timed=True,
    ),
    "resume": Verb(
        "sonde.cli.resume:run",
        "resume RUN",
        "go on exactly where a run stopped, or train it further",
        "sonde resume runs/mnist-mlp-1 --epochs 20",
    ),
    "eval": Verb(
        "sonde.cli.evaluate:run",
        "eval RUN DATA",
        "judge a trained run on other data",
        "sonde eval runs/mnist-mlp-1 photos/",
    ),
    "predict": Verb(
        "sonde.cli.predict:run",
        "predict RUN INPUT …",
        "apply a trained run to files or folders",
        "sonde predict runs/mnist-mlp-1 seven.png --out seven.csv",
    ),
    "generate": Verb(
        "sonde.cli.generate:run",
        "generate RUN",
        "let a trained language model write",
        'sonde generate runs/input-modern-gpt-1 --prompt "ROMEO:"',
    ),
    "chat": Verb(
        "sonde.cli.chat:run",
        "chat RUN",
        "write in turns with a trained language model",
        "sonde chat runs/input-modern-gpt-1",
    ),
    "runs": Verb(
        "sonde.cli.runs:run",
        "runs [FOLDER]",
        "the runs in a folder, side by side",
        "sonde runs",
    ),
    "report": Verb(
        "sonde.cli.report:run",
        "report RUN",
        "write a run's report.html anew",
        "sonde report runs/mnist-mlp-1",
    ),
    "inspect": Verb(
        "sonde.cli.inspection:run",
        "inspect DATA",
        "what is in the data, and what is wrong with them",
        "sonde inspect titanic.csv --target survived",
    ),
    "models": Verb(
        "sonde.cli.models:run",
        "models [WORD]",
        "the networks: parameters, FLOPs, paper",
        "sonde models resnet",
    ),
    "tasks": Verb(
        "sonde.cli.tasks:run",
        "tasks [WORD]",
        "the problems that can be learnt",
        "sonde tasks",
    ),
    "datasets": Verb(
        "sonde.cli.datasets:run",
        "datasets [WORD]",
        "the data known by name, and where they are",
        "sonde datasets mnist",
    ),
}

HEAD = """\
Sonde: point it at data; get a trained model, a run folder and an honest account.

usage: sonde VERB … [--flags]          sonde VERB --help explains each flag and its default

"""
FOOT = """
DATA  a folder, a file or a name: digits (always there), mnist, cifar10, …
RUN   the folder of a run, such as runs/digits-compact-cnn-1
Every verb takes --quiet (errors alone) and --debug (the traceback of an error).
"""


def overview() -> str:
    """What each verb does, and an example of it."""
    width = max(len(verb.usage) for verb in VERBS.values()) + 2
    indent = " " * (width + 2)
    return (
        HEAD
        + "".join(f"  {verb.usage:<{width}}{verb.does}\n{indent}$ {verb.example}\n" for verb in VERBS.values())
        + FOOT
    )

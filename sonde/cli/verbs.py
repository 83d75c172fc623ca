"""The commands, and the text of `sonde --help`."""

from typing import NamedTuple


class Verb(NamedTuple):
    """One row of `sonde --help`.

    run: "module:function" that takes the words after the verb;  usage: the verb and what it acts on
    timed: whether the function also takes `begun`, the process's first second, from which a time limit counts
    loads: whether it loads PyTorch, which takes seconds
    """

    run: str
    usage: str
    does: str
    example: str
    timed: bool = False
    loads: bool = False


VERBS: dict[str, Verb] = {
    "train": Verb(
        "sonde.cli.train:run",
        "train DATA",
        "infer the data format, train, evaluate on held-out rows, report",
        "sonde train digits --epochs 5",
        timed=True,
        loads=True,
    ),
    "resume": Verb(
        "sonde.cli.resume:run",
        "resume RUN",
        "resume a run exactly where it stopped, or train it further",
        "sonde resume runs/mnist-mlp-1 --epochs 20",
        loads=True,
    ),
    "eval": Verb(
        "sonde.cli.evaluate:run",
        "eval RUN [DATA]",
        "evaluate a trained model on other data",
        "sonde eval runs/mnist-mlp-1 photos/",
        loads=True,
    ),
    "predict": Verb(
        "sonde.cli.predict:run",
        "predict RUN INPUT …",
        "predict for files or folders with a trained model",
        "sonde predict runs/mnist-mlp-1 seven.png --out seven.csv",
        loads=True,
    ),
    "generate": Verb(
        "sonde.cli.generate:run",
        "generate RUN",
        "generate text with a trained language model",
        'sonde generate runs/input-modern-gpt-1 --prompt "ROMEO:"',
        loads=True,
    ),
    "sample": Verb(
        "sonde.cli.sample:run",
        "sample RUN",
        "make new inputs with a trained generative model",
        "sonde sample runs/mnist-flow-matching-1 --number 64 --out samples.png",
        loads=True,
    ),
    "chat": Verb(
        "sonde.cli.chat:run",
        "chat RUN",
        "chat with a trained language model",
        "sonde chat runs/input-modern-gpt-1",
        loads=True,
    ),
    "play": Verb(
        "sonde.cli.play:run",
        "play RUN",
        "play a game against a player trained by self-play",
        "sonde play runs/connect_four-policy-value-resnet-1",
        loads=True,
    ),
    "runs": Verb(
        "sonde.cli.runs:run",
        "runs [FOLDER]",
        "compare the runs in a folder",
        "sonde runs",
    ),
    "compare": Verb(
        "sonde.cli.compare:run",
        "compare RUN …",
        "compare runs: scores beyond noise, curves, settings, costs",
        "sonde compare runs/mnist-mlp-1 runs/mnist-lenet5-1",
    ),
    "report": Verb(
        "sonde.cli.report:run",
        "report RUN",
        "rebuild a run's report.html",
        "sonde report runs/mnist-mlp-1",
    ),
    "watch": Verb(
        "sonde.cli.watch:run",
        "watch [RUN]",
        "show a live page of a run: curves, findings, state",
        "sonde watch runs/mnist-mlp-1",
    ),
    "doctor": Verb(
        "sonde.cli.doctor:run",
        "doctor RUN [DATA]",
        "say what is wrong with a run, the cause first",
        "sonde doctor runs/mnist-mlp-1 --inside",
        loads=True,
    ),
    "check": Verb(
        "sonde.cli.check:run",
        "check RUN",
        "check back-propagation against finite differences",
        "sonde check runs/mnist-mlp-1 --gradients",
        loads=True,
    ),
    "inspect": Verb(
        "sonde.cli.inspection:run",
        "inspect DATA",
        "inspect data: classes, sizes, duplicates, leakage, errors",
        "sonde inspect titanic.csv --target survived",
        loads=True,
    ),
    "models": Verb(
        "sonde.cli.models:run",
        "models [WORD]",
        "list models: parameters, FLOPs, paper",
        "sonde models resnet",
    ),
    "tasks": Verb(
        "sonde.cli.tasks:run",
        "tasks [WORD]",
        "list tasks",
        "sonde tasks",
    ),
    "datasets": Verb(
        "sonde.cli.datasets:run",
        "datasets [WORD]",
        "list data sets known by name",
        "sonde datasets mnist",
    ),
}

HEAD = """\
Sonde: point it at data; get a trained model, a run folder and an honest report.

usage: sonde COMMAND … [--flags]       sonde COMMAND --help explains each flag and its default

"""
FOOT = """
DATA  a folder, a file or a name: digits (built in), mnist, cifar10, …
RUN   the folder of a run, such as runs/digits-compact-cnn-1
Every command takes --quiet (errors only) and --debug (the full traceback of an error).
"""


def overview() -> str:
    """What each command does, with an example."""
    width = max(len(verb.usage) for verb in VERBS.values()) + 2
    indent = " " * (width + 2)
    return (
        HEAD
        + "".join(f"  {verb.usage:<{width}}{verb.does}\n{indent}$ {verb.example}\n" for verb in VERBS.values())
        + FOOT
    )

"""Programs against `sonde.fit`, `steps` and `load` from `python/`: what they print where Sonde does what one expects."""

from pathlib import Path

import numpy as np

from tests.cases.case import Case, Program

BASE = """
import torch, sonde
from torch import nn
from sonde.tasks.custom.task import MeanMeter
class Base:
    across_rows, meter = (), MeanMeter
    def predict(s, b): return {}
    def format_predictions(s, o): return []
    def after_step(s, r): ...
    def state_dict(s): return {}
    def load_state_dict(s, saved): ...
"""
"""What `from base import *` brings: a task with all that a problem does not say."""
OK = r"OK \{'"
UNKNOWN = "unknown setting"


def large_array(place: Path) -> None:
    """200 MB of numbers on disk."""
    numbers = np.lib.format.open_memmap(place / "big.npy", mode="w+", dtype=np.float32, shape=(50_000, 1000))
    numbers[:] = (
        np.random.default_rng(0).standard_normal((1000,), dtype=np.float32) * np.linspace(-1, 1, 50_000)[:, None]
    )
    numbers.flush()


def refused(setting: str, says: str) -> str:
    return rf"^\{{'{setting}': .*Error', .*{says}"


def arrow(what: str, says: str) -> str:
    """A line of `{settings} -> (error, message)`."""
    return rf"{what}.* -> \('\w*Error', .*{says}"


CASES: list[Case] = [
    Program(
        name="s1_a_two_inputs.py", right="two inputs as tuples and dicts", file="python/s1_a_two_inputs.py",
        prints=(f"^tuple of 3 {OK}loss", f"^nested tuple {OK}", f"^dict {OK}", f"^dict input/meta {OK}"), never=("->",),
    ),
    Program(
        name="s1_c_task.py", right="a task of one's own, in memory and from a loader", file="python/s1_c_task.py",
        renamed={"sonde.tasks.plain": "sonde.tasks.custom.task", "PlainTask": "ModuleTask", "readable": "format_predictions"},
        prints=(r"^\{'accuracy': 0\.[89]\d+, .*\} accuracy$", r"^\{'accuracy': 0\.\d+, 'loss': [^}]*\}$"),
    ),
    Program(
        name="s1_d_outputs.py", right="outputs of any shape; losses said what they must be", file="python/s1_d_outputs.py",
        prints=(
            f"^tuple {OK}acc", f"^dict {OK}acc", f"^dc {OK}acc", r"^predict .*'logits': ", "^extra field ignored OK",
            "^3 arg loss OK", r"^unreduced -> ConfigError .*must be a scalar tensor, the mean over the rows", f"^dict {OK}loss",
            "^float -> ConfigError .*must be a scalar tensor", "^sonde.Loss OK", "^none -> ConfigError", "^nn.Module loss OK",
            r"^loss with parameters: w = \[0\.0[1-9]",
        ),
    ),
    Program(
        name="s1_f_mode.py", right="the network is in evaluation mode afterwards", file="python/s1_f_mode.py",
        prints=(
            r"^fit: run\.model\.training = False", r"^two calls equal: True acc by run\.model: (\S+) reported: \1$",
            r"^train: run\.model\.training = False", r"^load: run\.model\.training = False", r"^<class '.*Sequential'>",
        ),
    ),
    Program(
        name="s2_a_metrics.py", right="a smaller MAE is better; monitor; patience", file="python/s2_a_metrics.py",
        prints=(r"^\{'metric': 'mae', 'mode': 'min'\}",
                r"^\{'metric': 'loss', 'mode': 'min'\}", r"^patience: stopped after \d+\.?\d* "),
        never=("Traceback", r"^monitor ->", "stopped after 50"),
    ),
    Program(
        name="s2_b_ignored.py", right="every setting has an effect, or is refused", file="python/s2_b_ignored.py", slow=True,
        prints=(
            *(
                refused(setting, "has no effect")
                for setting in ("augment", "balanced", "label_fraction", "overfit_batches", "folds", "target", "image_size",
                                "group", "feed", "horizon", "skip_unreadable")
            ),
            refused("test", "data of its own"), refused("monitor", "there is no such metric"), refused("mirrored", UNKNOWN),
            refused("hidden", UNKNOWN), refused("learning_rate", "'lr'"), refused("batch", "'batch_size'"),
            refused("max_epochs", "'epochs'"), refused("model", "the network or task is the first argument"),
            *(
                rf"^\{{'{name}': .*\}} \(0\.\d+, \d+"
                for name in ("weight_decay", "clip", "ema", "schedule", "warmup", "optimizer")
            ),
        ),
    ),
    Program(
        name="s2_c_optim.py", right="optimisers and habits of torch: taken, or one line", file="python/s2_c_optim.py",
        prints=(
            r"RAdam'>\} -> \d", r"'radam'\} -> \d", r"'optimizer': <function .*\} -> \d", arrow("'lion'", "expects one of"),
            arrow("'plateau'", "evaluate_every="), arrow("StepLR'>", "functools.partial"), arrow(r"callbacks.*", "observers="),
            arrow(r"'lr': \[.*", "takes one number"), r"'lr': 'auto'\} -> \d", arrow("'epochs': 0", "above 0"),
            arrow("'batch_size': 64.5", "whole number"), arrow("'precision': 'fp16'", "CUDA"),
            arrow("'device': 'gpu'", "cuda"), arrow("'ema': 2", "below 1"),
        ),
    ),
    Program(
        name="s2_e_steps.py", right="what steps cannot do is refused, not passed over", file="python/s2_e_steps.py",
        prints=(r"ConfigError: epochs=3 has no effect: sonde\.steps leaves that to your own loop",), never=(),
    ),
    Program(
        name="s2_m2.py", right="metrics of all rows; NaN is said", file="python/s2_m2.py", needs=("sklearn",),
        prints=(
            r"^\['loss'\] OK", r"^\['callbacks'\] -> ConfigError .*observers=", r"^\['observers'\] -> ConfigError",
            r"^nan metric (OK \{'bad': None|-> \w+Error)",
        ),
    ),
    Program(
        name="s3_alternate.py", right="phases: a module of two is refused, or trained by both", file="python/s3_alternate.py",
        files={"base.py": BASE},
        prints=(r"^moved by momentum", r"^phase returns None -> \w*Error", r"^(ConfigError|shared module)"),
    ),
    Program(
        name="s3_coll.py", right="a method of one's own called adapt is left alone", file="python/s3_coll.py",
        files={"base.py": BASE}, never=(),
        prints=("^Traceback: AttributeError: 'A' object has no attribute 'adapted_with'",),
    ),
    Program(
        name="s3_pinn.py", right="derivatives by the input, also in evaluation", file="python/s3_pinn.py",
        files={"base.py": BASE}, slow=True, prints=(r"^\{'residual': (0\.00|\d\.\d+e-)", r"^max err vs sin 0\.0"),
    ),
    Program(
        name="s4_fin.py", right="an iterable of unknown length, seen to its end", file="python/s4_fin.py",
        prints=(r"^  63/189 ", r"^result .*9\d\.\d\d % validation accuracy", "resume is not exact"),
    ),
    Program(
        name="s4_hf.py", right="datasets of the Hugging Face library", file="python/s4_hf.py", needs=("datasets",), slow=True,
        prints=("^hf image OK", "^hf DatasetDict OK", "^hf text OK", "^hf table OK", "^fit hf loader OK"),
    ),
    Program(
        name="s4_loaders.py", right="loaders of all kinds; endless ones need a length", file="python/s4_loaders.py", slow=True,
        prints=(
            r"^inf_epochs -> ConfigError .*endless.*steps=", "^inf_steps OK finished epochs None steps 50",
            "^inf_time OK (finished|time limit) ",
            "^fin OK finished epochs 3 steps 21", "^fin_finval OK", "^chunk OK finished epochs 3 steps 30", "^weighted OK",
            r"^batch_sampler OK finished epochs 2\.0 steps 4", "^drop_last OK .*steps 24", "^workers OK", "^valshuffle OK",
            "^empty -> DataError", "^valempty -> DataError", "^gen -> ConfigError .*epochs=1", "^mapdict OK", "^strings OK",
            r"^nanin -> NonFinite .*row 67", "^y_range -> DataError .*classes are numbered from 0",
        ),
    ),
    Program(
        name="s4_mm2.py", right="a mapped array is not copied to memory", file="python/s4_mm2.py", argv=("arrstream",), slow=True,
        apart=True, before=large_array, prints=(r"^arrstream base anon MB \d+ peak anon MB \d+ streaming",),
    ),
    Program(
        name="s6_rerun.py", right="another network, loss or data in one folder are refused", file="python/s6_rerun.py",
        prints=(
            r"^Run\('g', validation: accuracy 0\.\d+", r"RunFolderError g holds a run of another network .*ReLU\(\) now",
            "RunFolderError g holds a run of another loss .* other metrics", "DataError the training inputs have changed",
        ),
    ),
]  # fmt: skip

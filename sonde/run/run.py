"""A finished (or unfinished) run: its folder and what one can do with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import torch

from sonde.core.config_file import how_to_resume, read_config
from sonde.core.damaged import read_object, reading
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import ConfigError, RunFolderError
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.core.schema_file import read_schema
from sonde.core.seams import Source, Task
from sonde.engine.plan import pick_device
from sonde.run.inference import as_frame, fed, only_network, predictor, probabilities
from sonde.run.keywords import Keywords
from sonde.run.worded import worded
from sonde.screen.screen import Screen
from sonde.tasks.spec import TaskSpec
from sonde.tasks.table import spec

if TYPE_CHECKING:
    import pandas

    from sonde.acting.policy import Policy
    from sonde.acting.self_play.asked import GamePlayer
    from sonde.run.judged_rows import Evaluation
    from sonde.run.played import Play

WITH_CLASSES = ("class", "labels", "mask", "boxes")  # kinds of targets


class Run:
    """What `sonde.train` returns and `sonde.load` opens.

    The network is loaded when it is first needed: the best checkpoint, on the CPU unless `to` is called. Straight after
    training it is where it was trained.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        live_task: Task | None = None,
        live_schema: Schema | None = None,
        trust_code: bool = False,
    ) -> None:
        self._folder = folder
        self._trust_code = trust_code
        self._task = live_task
        self._schema = live_schema
        first = None if live_task is None else next(live_task.modules.parameters(), None)
        self._device = torch.device("cpu") if first is None else first.device

    @property
    def folder(self) -> Path:
        """Where the run is."""
        return self._folder.path

    @property
    def result(self) -> dict[str, Any]:
        """The content of result.json. Raises: RunFolderError while the run is unfinished."""
        if not self._folder.result.exists():
            raise RunFolderError(f"{self.folder} is not finished; resume with: {how_to_resume(self.folder)}")
        return read_object(self._folder.result, run=self.folder, remedy=self._again)

    @property
    def evaluated_on(self) -> str:
        """The split `metrics` are of: test, else validation, else train."""
        with reading(self._folder.result, run=self.folder, remedy=self._again):
            metrics = self.result["metrics"]
            return next(split for split in ("test", "validation", "train") if split in metrics)

    @property
    def metrics(self) -> dict[str, float]:
        """The scores of the best checkpoint on the split `evaluated_on`."""
        with reading(self._folder.result, run=self.folder, remedy=self._again):
            return dict(self.result["metrics"][self.evaluated_on])

    @property
    def _again(self) -> str:
        """How a damaged result.json is written again."""
        return f"remove it, and resume the run to have it written again: {how_to_resume(self.folder)}"

    @property
    @Keywords()
    def schema(self) -> Schema:
        """What goes in and comes out. Raises: RunFolderError for a run whose data Sonde did not describe."""
        if self._schema is None:
            settings = read_config(self._folder.config).settings
            if settings.get("folds") and not settings.get("fold"):
                raise RunFolderError(
                    f"{self.folder} is a cross-validation, without a network of its own; use one of its folds, such as "
                    f"{self.folder / 'fold-1'}"
                )
            if not self._folder.schema.exists():
                raise RunFolderError(
                    f"{self.folder} has no schema.json: it was trained on custom data; open it with sonde.load(folder, "
                    "model=your_network), whose predict takes tensors"
                )
            self._schema = read_schema(self._folder)
        return self._schema

    @property
    def spec(self) -> TaskSpec:
        """The record of its task. Raises: ConfigError for a custom task, which has none"""
        return spec(str(read_config(self._folder.config).settings.get("task")))

    @property
    def device(self) -> torch.device:
        """Where its network is."""
        return self._device

    @property
    @Keywords()
    def task(self) -> Task:
        """The task with the best checkpoint's weights, in evaluation mode."""
        if self._task is None:
            self._task = self._load_task()
        return self._task

    @property
    @Keywords()
    def model(self) -> torch.nn.Module:
        """The network inside `task`, with the best checkpoint's weights. Raises: ConfigError where there are several"""
        return only_network(self.task.modules, self.folder)

    @property
    @Keywords()
    def classes(self) -> list[str]:
        """Names of the classes or labels, in the order of `predict_proba`. Raises: ConfigError where there are none"""
        target = None if self._of_custom_data else self.schema.target
        if target is None or target.kind not in WITH_CLASSES:
            raise ConfigError(f"{self.folder} has no classes: it was trained on {self._trained_on()}")
        return list(target.names)

    @Keywords()
    def to(self, device: str | torch.device) -> "Run":
        """Use another device for predict and evaluate. Raises: ConfigError when the machine does not have it."""
        self._device = pick_device(str(device))
        self.task.modules.to(self._device)
        return self

    @overload
    def predict(
        self, inputs: Any, *, what: str = "", paths: int = 0, frame: Literal[False] = False, tick: Tick = silent
    ) -> list[dict[str, Any]]: ...
    @overload
    def predict(
        self, inputs: Any, *, what: str = "", paths: int = 0, frame: Literal[True], tick: Tick = silent
    ) -> "pandas.DataFrame": ...
    @Keywords()
    def predict(self, inputs: Any, *, what: str = "", paths: int = 0, frame: bool = False, tick: Tick = silent) -> Any:
        """One dict per input: "input" (its name) and the task's output, such as "prediction" and "probability".

        inputs: paths or folders of images, PIL images, arrays or tensors, tables or data frames, as the run was trained on; for a
                run on custom data inputs as an array or tensor, a tuple or dict of them, a Dataset or a DataLoader, whose
                predictions are called "row 0", …; for one that acts several observations (`policy` takes one)
        what: of an autoencoder "latent", "reconstruction" or "anomaly";  paths: of diffusion-forecasting so many paths besides
        frame: a pandas DataFrame instead, with a column for each class's probability, and the index of a frame that is given
        """
        found = self._predict(inputs, what, paths, tick)
        return as_frame(found, inputs) if frame else found

    @Keywords()
    def preprocess(self, inputs: Any, *, tick: Tick = silent) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The tensor that the network is fed, rows first: normalised, on the run's device.

        `run.model(run.preprocess(inputs))` are the logits. A network that takes several, such as a sequence and its lengths, gets
        a tuple: `run.model(*run.preprocess(inputs))`. Inputs as for `predict`.
        """
        return fed(self.task, self._inputs(inputs, tick))

    @Keywords()
    def predict_proba(self, inputs: Any, *, tick: Tick = silent) -> np.ndarray:
        """(n, classes) float64 probabilities in the order of `classes`; of labels (n, labels), each by itself.

        inputs: as for `predict`;  Raises: ConfigError where the run has no classes, or scores that are no probabilities
        """
        if self._of_custom_data:
            raise ConfigError(
                "predict_proba is for runs of sonde.train, which know their classes; of a network of your own: "
                "run.model(x).softmax(1), of one logit each run.model(x).sigmoid()"
            )
        names = self.classes
        return probabilities(self.task, self._inputs(inputs, tick), classes=len(names), folder=self.folder)

    def _inputs(self, inputs: Any, tick: Tick) -> Source:
        """What `preprocess` and `predict_proba` read, in batches."""
        if self._of_custom_data:
            from sonde.run.custom_use import inputs_for

            return inputs_for(self.task, inputs, self._device, read_object(self._folder.data, run=self.folder))
        from sonde.modalities.inputs import rows_for

        return self._source(rows_for(inputs, self.schema, tick=tick)[0])

    def _predict(self, inputs: Any, what: str, paths: int, tick: Tick) -> list[dict[str, Any]]:
        if self._of_custom_data:
            from sonde.run.custom_use import predicted

            predictor(self.task, what, paths, folder=self.folder)
            return predicted(self.task, inputs, self._device, read_object(self._folder.data, run=self.folder))
        from sonde.data.rows import unanswered
        from sonde.modalities.inputs import rows_for

        schema, predict = self.schema, predictor(self.task, what, paths, folder=self.folder)
        rows, names = rows_for(inputs, schema, tick=tick)
        found: dict[int, dict[str, Any]] = {}
        told = worded(self.task, schema)
        self.task.modules.eval()
        with torch.inference_mode():
            for batch in self._source(rows):
                found |= zip(batch.index.tolist(), told(predict(batch)), strict=True)
        found |= {row: {} for row in unanswered(rows)}
        if (predictions := self.spec.predictions) is not None:
            return predictions(names, found, self.schema)
        return [{"input": name, **found[row]} for row, name in enumerate(names)]

    @property
    def _of_custom_data(self) -> bool:
        """Whether no schema describes what goes in, and the task is there to ask."""
        return self._schema is None and not self._folder.schema.exists() and self._task is not None

    def generate(self, prompt: str = "", **how: Any) -> str:
        """The continuation of a prompt, as a whole; the settings are those of `stream`."""
        return "".join(self.stream(prompt, **how))

    def stream(self, prompt: str = "", **how: Any) -> Iterator[str]:
        """Pieces of text that continue a prompt, as they are sampled; the settings are those of `sonde.run.writing.stream`.

        Raises: ConfigError for a run that does not model language, DataError for a prompt that it cannot encode
        """
        from sonde.run.writing import stream

        return stream(self, prompt, **how)

    @Keywords()
    def sample(  # noqa: PLR0913 - one for each thing that can be asked of samples
        self,
        number: int = 16,
        *,
        classes: str | Sequence[str] = (),
        steps: int = 0,
        sampler: str = "",
        guidance: float = 1.0,
        temperature: float = 1.0,
        weaker: str | Path | None = None,
        seed: int = 0,
        tick: Tick = silent,
    ) -> Any:
        """Images (N, H, W, C) uint8, of one channel (N, H, W); of tables a pyarrow.Table, with booleans and times where the frame
        had them; of recordings a list of {"array", "sampling_rate"}, as `predict` takes them; of text a list of texts; else an
        array.

        classes: names of classes, in turn; by default all of the data's in turn, of tables as often as in training
        guidance: above 1 clearer and less varied;  temperature: of texts
        weaker: folder of a run or checkpoint that does worse, away from which guidance leads instead of from no class
        Raises: ConfigError for a run that makes no inputs, or what cannot be asked of it
        """
        from sonde.run.sampling import Wanted, drawn_from, in_own_types
        from sonde.run.weaker import weaker_of

        classes = (classes,) if isinstance(classes, str) else classes
        wanted = Wanted(number=number, classes=classes, steps=steps, sampler=sampler, seed=seed)
        worse = None if weaker is None else weaker_of(self, weaker, trust_code=self._trust_code)
        wanted = replace(wanted, guidance=guidance, temperature=temperature, weaker=worse)
        return in_own_types(drawn_from(self, wanted, tick), self.schema)

    @Keywords()
    def policy(self, *, sampled: bool | None = None, seed: int = 0) -> "Policy":
        """The policy of a run that acts: called with one observation as the environment shows it, it gives an action as that
        takes it.

        sampled: draw actions as in training, or take the likeliest; by default as the run was evaluated
        seed: of what is drawn
        Raises: ConfigError for a run that does not act in an environment
        """
        from sonde.run.played import policy_of

        self.task.modules.eval()
        return policy_of(self.task, self.schema.input, self.folder, sampled=sampled, seed=seed, device=self._device)

    @Keywords()
    def player(self, *, simulations: int | None = None) -> "GamePlayer":
        """The player of a run that learned a game for two: asked about positions, by the moves that lead there or as states of
        OpenSpiel's, it says the best move, the policy and the value after its search, and which moves are legal.

        `run.player(simulations=200).think([[], [4, 0]])` is a dict for each position, see `GamePlayer.think`.

        simulations: leaves that it looks at for a move, by default as many as in training
        Raises: ConfigError for a run that plays no game
        """
        from sonde.run.playing import asked

        return asked(self.task, self._folder, simulations=simulations, device=self._device)

    @Keywords()
    def evaluate(  # noqa: PLR0913 - one for each thing that can be asked of an evaluation
        self,
        data: Any = None,
        *,
        split: str | None = None,
        target: Sequence[str] = (),
        episodes: int | None = None,
        first_seed: int | None = None,
        sampled: bool | None = None,
        log: str | Path | None = None,
        simulations: int | None = None,
        opponents: str | Path | Sequence[str | Path] = (),
        tick: Tick = silent,
    ) -> dict[str, float]:
        """Scores of the best checkpoint on data of the same kind: on test rows, else all there are; without data, of a run
        that acts, in the environment or game that it was trained in.

        Of the data that the run was trained on, its own test rows are judged, else its validation rows; where rows that were
        trained on are judged, the screen says so (`evaluation` returns it).

        split: which of the data's splits to evaluate on; target: target columns, by default those trained on; neither for a run
               on custom data, which takes what `sonde.fit` does
        episodes, first_seed: of an environment, how many episodes are played, by default as many as at the end of training, and
               the seed of the first, by default 2,000,000 as there: episodes of other seeds are new; nobody trained on either
        sampled: of an environment, draw actions as in training, or take the likeliest; by default as the run was evaluated
        log: an NPZ file that all transitions are written to
        simulations, opponents: of a game, leaves that are looked at for a move, and whom to play against, folders of runs too; by
               default those of the training; `first_seed` is that of the match
        Raises: DataError for data that cannot be evaluated, ConfigError when there is no such split
        """
        from sonde.run.played import play_of

        against = tuple(map(str, (opponents,) if isinstance(opponents, str | Path) else opponents))
        of_games: dict[str, Any] = {"simulations": simulations, "opponents": against}
        play = play_of(episodes=episodes, first_seed=first_seed, sampled=sampled, log=log, **of_games)
        found = self.evaluation(data, split=split, target=target, play=play, tick=tick)
        if found.caution:
            Screen().say(f"evaluated on {found.headline}")
        return dict(found.scores)

    @Keywords()
    def evaluation(
        self,
        data: Any = None,
        *,
        split: str | None = None,
        target: Sequence[str] = (),
        play: "Play | None" = None,
        tick: Tick = silent,
    ) -> "Evaluation":
        """`evaluate`, with which rows were judged and whether the run was trained on them. play: how episodes are played"""
        from sonde.run.evaluated_again import of_custom_data, of_rows

        if not self._of_custom_data:
            how: dict[str, Any] = {"split": split, "target": target, "play": play, "tick": tick}
            return of_rows(self, self._folder, data, **how, trust_code=self._trust_code)
        if split is not None or target or play is not None:
            raise ConfigError(
                "split=, target= and what says how episodes and games are played are for runs of sonde.train; give the data to "
                "evaluate on as sonde.fit takes them"
            )
        return of_custom_data(self, self._folder, data, tick=tick)

    @Keywords()
    def report(self) -> Path:
        """Rebuild report.html and return its path."""
        from sonde.run.report import write_report

        return write_report(self.folder)

    def _trained_on(self) -> str:
        return f"task {read_config(self._folder.config).settings.get('task')}"

    def _source(self, rows: Rows) -> Source:
        from sonde.run.row_sources import source_of

        return source_of(rows, self.schema, self.task, self._device)

    def _load_task(self) -> Task:
        from sonde.run.loaded import task_of
        from sonde.run.resume import load_best

        task = task_of(self._folder, lambda: self.schema, trust_code=self._trust_code)
        load_best(self._folder, task)
        task.modules.to(self._device)
        return task

    def __repr__(self) -> str:
        if not self._folder.result.exists():
            return f"Run({str(self.folder)!r}, unfinished)"
        scores = ", ".join(f"{name} {value:.4g}" for name, value in self.metrics.items() if isinstance(value, float))
        return f"Run({str(self.folder)!r}, {self.evaluated_on}: {scores})"


Inputs = Sequence[Any] | Mapping[str, Any]

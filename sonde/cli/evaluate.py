"""`sonde eval RUN DATA`: metrics of a trained model on other data, and of the samples of one that makes inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sonde.cli.begin import Begun, begin, said_on, trained_run
from sonde.core.bounds import at_least, flag
from sonde.core.errors import ConfigError
from sonde.core.units import metric, metric_name

if TYPE_CHECKING:
    from sonde.run.run import Run

ABOUT = """\
Evaluate the best checkpoint of RUN on DATA, which must be of the kind it was trained on; of a run that acts, by default in the
environment or game that it was trained in. No files are written.
Of the data that RUN was trained on, the test rows it held out are evaluated; the headline says which rows are, and where RUN was
trained on them.

With --judge the samples of a generative run are measured instead: Fréchet and kernel distance, precision, recall, density and
coverage beside held-out rows of DATA, in what the judge sees before its last layer; how many samples the judge takes for the
class that was asked for; and whether samples are copies of training rows. Of tables also how good gradient-boosted
trees are that were trained on samples, on real rows that were held out, beside trees that were trained on real rows. The judge
is a run of a classifier trained on the same data. Clips are measured without a judge too, by --number: whether they move as real
ones do. So are tables: whether boosted trees tell samples from real rows (0.5 is chance), and which two columns go together
otherwise than in real rows; distances of tables are those of their columns, also with --judge. The numbers go into
RUN/evaluation/sample_quality.json and RUN's report.

examples:
  sonde eval runs/mnist-mlp-1 photos/
  sonde eval runs/titanic-tabular-1 passengers/ --split validation
  sonde eval runs/mnist-flow-matching-1 mnist --judge runs/mnist-compact-cnn-1 --number 5000
  sonde eval runs/cartpole-v1-policy-mlp-1 --episodes 500 --first-seed 5000
  sonde eval runs/cartpole-v1-policy-mlp-1 gym:CartPole-v1 --episodes 50 --log expert.npz
  sonde eval runs/connect_four-policy-value-resnet-1 game:connect_four --opponents mcts-1000 --simulations 400
  sonde eval runs/connect_four-policy-value-resnet-1 --opponents runs/connect_four-policy-value-resnet-2 --first-seed 7
  sonde eval runs/moving-digits-denoiser-video-1 moving-digits --number 200
  sonde eval runs/titanic-denoiser-mlp-1 titanic.csv --number 2000
"""

SHORT = {"-n": "--number"}  # as other programs have it


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """What to evaluate on, and on which device; of a run that makes inputs, which samples are measured, and by whom."""

    split: str | None = None
    """Split to evaluate on: train, validation or test; by default test, of other data all rows where there is no test split."""
    target: tuple[str, ...] = ()
    """Target columns of a table; by default those the run was trained on."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""
    episodes: int | None = None
    """Of an environment: how many episodes are played; of a game, how many games against each opponent; by default as many as at
    the end of training."""
    first_seed: int | None = None
    """Of an environment: seed of the first episode, those of the others follow it; other seeds are new episodes. Of a game: seed
    of the matches, of other openings and other chance; by default 2,000,000, as at the end of training."""
    sampled: bool | None = None
    """Of an environment: draw actions as in training, or with --no-sampled take the likeliest; by default as RUN was judged."""
    log: str | None = None
    """Of an environment: NPZ file that all transitions are written to, to learn from (--task cloning, cql)."""
    simulations: int | None = None
    """Of a game: leaves that are looked at for a move; by default as many as in training."""
    opponents: tuple[str, ...] = ()
    """Of a game: whom to play against: random, one-ply, mcts-N, minimax, earlier, folders of runs; by default as in training."""
    judge: str | None = None
    """Measure the samples of RUN by this run of a classifier, trained on the same data."""
    number: int | None = None
    """How many samples are made and measured (-n), by --judge or, of clips and tables, without; 2,000 by default."""
    steps: int | None = None
    """Of the samples: steps of the sampler; the task's own number by default."""
    sampler: str | None = None
    """Of the samples: the sampler; the task's own by default."""
    guidance: float | None = None
    """Of the samples: classifier-free guidance; 1 by default."""
    weaker: str | None = None
    """Of the samples: a run or checkpoint that does worse, away from which --guidance leads; see sonde sample."""
    seed: int | None = None
    """Of the samples: random seed; 0 by default."""


OF_SAMPLES = ("number", "steps", "sampler", "guidance", "weaker", "seed")
OF_EPISODES = ("episodes", "first_seed", "sampled", "log", "simulations", "opponents")  # and of games


def run(words: Sequence[str]) -> int:
    """Evaluate a run and print its metrics. Raises: SondeError subclasses."""
    begun = begin([SHORT.get(word, word) for word in words], EvalOptions, usage="eval RUN [DATA]", about=ABOUT)
    if begun is None:
        return 0
    folder, options = begun.words[0], begun.options
    _check(options)
    from sonde.run.evaluated_again import environment_of
    from sonde.run.played import play_of

    trained = trained_run(folder, options.device, trust_code=begun.trust_code)
    data = begun.words[1] if len(begun.words) > 1 else environment_of(trained)
    if not data:
        raise ConfigError(_what_is_needed(trained))
    if options.judge is not None or options.number is not None:
        return _measure(trained, data, begun)
    with said_on(begun.screen):
        play = play_of(
            episodes=options.episodes,
            first_seed=options.first_seed,
            sampled=options.sampled,
            log=options.log,
            simulations=options.simulations,
            opponents=options.opponents,
        )
        found = trained.evaluation(data, split=options.split, target=options.target, play=play, tick=begun.screen.tick)
    rows = [(metric_name(name), metric(name, value)) for name, value in found.scores.items()]
    begun.screen.table(f"{folder} on {data}: {found.headline}", ["metric", "value"], rows)
    for line in found.highlights:
        begun.screen.say(line)
    if options.log is not None:
        begun.screen.say(f"wrote {options.log}, to learn from: sonde train {options.log}")
    if trained.spec.generates and _can_be_judged(trained):
        begun.screen.say(f"how good its samples are: {_how(trained)(folder, data)}")
    return 0


def _what_is_needed(trained: "Run") -> str:
    """Where no data are given, and the run has none by a name."""
    from sonde.run.evaluated_again import made_by_a_program

    if own := made_by_a_program(trained):
        return (
            f"{trained.folder} acted in {own}; name what makes it, sonde eval {trained.folder} env:MODULE:NAME, or give it in "
            f"Python: sonde.load({str(trained.folder)!r}).evaluate(MAKE)"
        )
    return "sonde eval needs DATA; usage: sonde eval RUN DATA"


def _how(trained: "Run") -> "Callable[[str, str], str]":
    """The command that measures samples: without a judge where the kind of data can be."""
    from sonde.report.sample_quality import columns_command, eval_command, motion_command
    from sonde.run.sampling import made_of

    made = made_of(trained.schema)
    if made is not None and made.columns is not None:
        return columns_command
    return motion_command if made is not None and made.in_time else eval_command


def _can_be_judged(trained: "Run") -> bool:
    from sonde.modalities.catalogue import modality

    about = modality(trained.schema.input.kind)
    return bool(about.made) and about.judged


def _check(options: EvalOptions) -> None:
    """Raises: ConfigError for flags that do not go together"""
    by = "--judge" if options.judge is not None else "--number"
    if options.judge is None and options.number is None:
        for name in OF_SAMPLES:
            if getattr(options, name) is not None:
                raise ConfigError(f"{flag(name)} is for samples, which are measured with --judge CLASSIFIER_RUN")
    elif options.split is not None or options.target:
        given = "--split" if options.split is not None else "--target"
        raise ConfigError(f"{given} is for metrics of rows, and with {by} samples are measured; leave it out")
    else:
        for name in OF_EPISODES:
            if getattr(options, name) not in (None, ()):
                raise ConfigError(
                    f"{flag(name)} is for what is played, and with {by} samples are measured; leave it out"
                )
        at_least(options, 1, "steps")


def _measure(trained: "Run", data: str, begun: Begun) -> int:
    """Measure samples, print what was found, draw the report anew."""
    from sonde.report.column_pairs import pairs_told
    from sonde.report.sample_quality import about, cautions, memorised, rows_of, title
    from sonde.run.report import write_report
    from sonde.run.sample_quality import Asked, sample_quality

    options, screen = begun.options, begun.screen
    judge = None
    if options.judge is not None:
        judge = trained_run(options.judge, options.device, trust_code=begun.trust_code)
    given = {name: getattr(options, name) for name in OF_SAMPLES if getattr(options, name) is not None}
    with said_on(screen):
        found = sample_quality(trained, data, judge, Asked(**given), tick=screen.tick)
    screen.table(f"{trained.folder}: {title(found)}", ["measure", "samples", "real rows", "better"], rows_of(found))
    together = found.get("together") or {}
    for line in [*about(found), *pairs_told(together), *cautions(found), memorised(found)]:
        screen.say(line)
    write_report(trained.folder)
    screen.say(f"wrote {trained.folder / 'evaluation' / 'sample_quality.json'} and {trained.folder / 'report.html'}")
    return 0

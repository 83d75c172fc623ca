"""`sonde watch [RUN]`: a live page of a run, for this machine's browser."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sonde.cli.begin import begin
from sonde.cli.runs import DEFAULT, RunLine, find_runs, read_line
from sonde.core.run_folder import open_run
from sonde.core.units import metric, metric_name

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from sonde.screen.screen import Screen
    from sonde.watch.page import Listed

ABOUT = """\
Show a live page of RUN at an address of this machine: curves, findings, samples, resources, and whether it is running, has
finished, was stopped or has died, and why. RUN is the folder of a run, or one that holds runs; by default the newest in runs/.
Where there is no run yet, or no such folder in one that is there, it is waited for.
Training is not affected: only the files of its folder are read. Ctrl-C ends the page, not the training.

examples:
  sonde watch
  sonde watch runs/mnist-mlp-1
  sonde watch --port 8000

On another machine, forward the port and open http://localhost:7663 here:
  ssh -L 7663:localhost:7663 THAT_MACHINE
"""
SPLITS = ("test", "validation")
LOOK_S = 1.0  # between looks for the first run


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Where the page is."""

    port: int | None = None
    """Port of the address; by default 7663, or the next one that is free."""


def run(words: Sequence[str]) -> int:
    """Serve the page until Ctrl-C. Raises: RunFolderError, ConfigError, MissingDependency."""
    begun = begin(words, WatchOptions, usage="watch [RUN]", about=ABOUT)
    if begun is None:
        return 0
    from sonde.run.report import added_by, as_shown
    from sonde.watch.app import Watcher, build
    from sonde.watch.server import ADDRESS, listen, require_extra, serve
    from sonde.watch.server import DEFAULT as PORT

    root, named = _place(begun.words[0])
    require_extra("sonde watch")
    if not named:
        try:
            root, named = wait_for_first(root, begun.screen)
        except KeyboardInterrupt:
            return 0
    with listen(begun.options.port) as at:
        port = at.getsockname()[1]
        if begun.options.port is None and port != PORT:
            begun.screen.say(f"port {PORT} is in use; {port} is used instead")
        begun.screen.say(f"watching {root / (named or newest(root))} at http://{ADDRESS}:{port}")
        begun.screen.say("Ctrl-C ends the page, not the training")

        def application(stopping: Callable[[], bool]) -> "Starlette":
            shown = Watcher(root, lambda: named or newest(root), lambda: list_of(root), added_by, stopping, as_shown)
            return build(shown)

        serve(application, at)
    begun.screen.say("the page has ended; training continues")
    return 0


def _place(word: str | None) -> tuple[Path, str]:
    """(folder of runs, key of the run that was named; empty for the newest). Raises: RunFolderError"""
    given = Path(word or DEFAULT)
    if given.is_dir() and _holds_run(given):
        path = open_run(given if given.name not in ("", "..") else given.resolve()).path
        if _holds_run(path.parent):  # a fold
            return path.parent.parent, f"{path.parent.name}/{path.name}"
        return path.parent, path.name
    begins = not given.exists() and given.absolute().parent.is_dir()  # the training may be started after this
    if not (given.is_dir() or begins or given == Path(DEFAULT)):
        open_run(given)
    return given, ""


def wait_for_first(
    root: Path, screen: "Screen", pause: Callable[[], None] = lambda: time.sleep(LOOK_S)
) -> tuple[Path, str]:
    """`_place` of a folder once it is a run or holds one, saying so where that is waited for. Raises: RunFolderError"""
    said = False
    while not (root.is_dir() and (_holds_run(root) or newest(root))):
        if not said:
            there = root.is_dir() or root == Path(DEFAULT)
            missing = (
                f"no runs in {root} yet; waiting for the first" if there else f"no {root} yet; waiting for a run there"
            )
            screen.say(f"{missing} to begin (Ctrl-C ends this)")
            said = True
        pause()
    return _place(str(root))


def _holds_run(place: Path) -> bool:
    return (place / "config.yaml").is_file()


def newest(root: Path) -> str:
    """The key of the run that was started last; empty where there is none. Raises: RunFolderError"""
    found = [line for line in find_runs(root) if _holds_run(Path(line.name))]
    return Path(found[-1].name).name if found else ""


def list_of(root: Path) -> list["Listed"]:
    """The runs of a folder, newest first, each with its folds. Raises: RunFolderError"""
    return [entry for line in reversed(find_runs(root)) for entry in _with_folds(Path(line.name), line)]


def _with_folds(path: Path, line: RunLine) -> list["Listed"]:
    from sonde.watch.page import Listed

    folds = sorted(
        (file.parent for file in path.glob("fold-*/config.yaml")), key=lambda fold: (len(fold.name), fold.name)
    )
    lines = {path.name: line, **{f"{path.name}/{fold.name}": read_line(fold) for fold in folds}}
    return [Listed(key=key, status=one.status, model=one.model, score=_score(one)) for key, one in lines.items()]


def _score(line: RunLine) -> str:
    split = next((split for split in SPLITS if split in line.scores), "")
    return f"{metric(line.metric, line.scores[split])} {split} {metric_name(line.metric)}" if split else ""

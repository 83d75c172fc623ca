"""`sonde sample RUN`: new inputs from a trained run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sonde.cli.begin import begin, trained_run
from sonde.cli.outputs import USUAL, OutputPlace
from sonde.core.errors import ConfigError, DataError, first_line
from sonde.core.units import count

if TYPE_CHECKING:
    import numpy as np

    from sonde.modalities.made import Made
    from sonde.run.run import Run

ABOUT = """\
Make new inputs with the best checkpoint of RUN, a run of a task that generates (diffusion, flow-matching, …).

examples:
  sonde sample runs/mnist-flow-matching-1 --number 64 --out samples.png
  sonde sample runs/mnist-flow-matching-1 --number 64 --classes 7 --guidance 2 --seed 3 --out sevens/
  sonde sample runs/mnist-flow-matching-1 --number 64 --guidance 2 --weaker runs/mnist-flow-matching-2
  sonde sample runs/mnist-flow-matching-1 --number 10 --interpolate --classes 3 --out between.png
  sonde sample runs/tinyshakespeare-modern-bert-1 --number 4 --known "First ________:"
"""

NPY = b"\x93NUMPY"  # how every .npy file begins
SHORT = {"-n": "--number", "--class": "--classes"}  # as other programs have them


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """What to make, and how."""

    number: int = 16
    """How many samples (-n)."""
    classes: tuple[str, ...] = ()
    """Classes of the samples, in turn; all classes of the data in turn by default."""
    steps: int = 0
    """Steps of the sampler: more are slower and more exact; 0, the default, for the task's own number."""
    sampler: str = ""
    """Sampler: heun, ddim or ddpm for diffusion; midpoint, heun or euler for flow-matching; random-order,
    ancestral or confidence (the most probable tokens first) for masked-diffusion; the first of these unless set."""
    guidance: float = 1.0
    """Classifier-free guidance: above 1 samples are clearer examples of their class and vary less; with --weaker of any kind."""
    weaker: Path | None = None
    """A shorter or smaller run of the same task, or an earlier checkpoint of RUN; --guidance leads away from it."""
    temperature: float = 1.0
    """Sampling temperature of texts: lower is less random, 0 takes the most probable token at each place."""
    seed: int = 0
    """Random seed; the same seed gives the same samples."""
    interpolate: bool = False
    """From the first sample of this seed to the second, in --number steps."""
    latent: Path | None = None
    """A .npy file of what sampling begins with instead of noise, one row for each sample."""
    known: str | None = None
    """An input of which a part is kept: an image (inpainting), with --mask; or a text, or its .txt file, with an underscore for
    each token that is made."""
    mask: Path | None = None
    """An image as large as the data's: white where --known is made anew, black where it is kept."""
    keep_frames: int | None = None
    """How many of the first frames of the clip --known are kept; those that follow are made."""
    out: Path | None = None
    """Where samples go: of images one picture (.png), or a folder (ending in /) with a file each; of clips the same as .gif,
    or .npz; of tables a .csv;
    of recordings a folder of WAV files, or one .wav of all; of texts a .txt, JSON lines (.jsonl) or a folder. Unless set,
    samples.png, samples.gif or samples.csv, a folder samples/ of recordings, and texts are printed. Earlier samples there are
    replaced, other files never."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""


def run(words: Sequence[str]) -> int:
    """Sample. Raises: SondeError subclasses."""
    named = [SHORT.get(word, word) for word in words]
    begun = begin(named, SampleOptions, usage="sample RUN", about=ABOUT)
    if begun is None:
        return 0
    options: SampleOptions = begun.options
    trained = trained_run(begun.words[0], options.device, trust_code=begun.trust_code)
    from sonde.run.doubted import doubt
    from sonde.run.sampling import Wanted, class_names, drawn_from, generation_of, plain
    from sonde.run.weaker import weaker_of

    generation_of(trained)
    if why := doubt(trained.folder):
        begun.screen.warning(why)
    made, out, ending = check_out(trained, options.out, as_folder=_folder_asked(named))
    printed = options.out is None and made.printed is not None
    place = None if printed else OutputPlace(out, trained, folder=ending == "/")
    known, keep = _known(trained, options, made)
    wanted = Wanted(
        number=options.number,
        classes=options.classes,
        steps=options.steps,
        sampler=options.sampler,
        guidance=options.guidance,
        temperature=options.temperature,
        weaker=None if options.weaker is None else weaker_of(trained, options.weaker, trust_code=begun.trust_code),
        seed=options.seed,
        interpolate=options.interpolate,
        latent=_latent(options.latent),
        known=known,
        keep=keep,
    )
    found = drawn_from(trained, wanted, begun.screen.tick)
    schema = trained.schema
    if place is None:
        assert made.printed is not None
        begun.screen.write(made.printed(plain(found, schema)))
        return 0
    try:
        before = place.clear()
        made.write(out, plain(found, schema), class_names(found, schema), schema)
        place.mark()
    except OSError as error:
        raise DataError(f"cannot write {out}: {error.strerror or error}") from None
    earlier = f" (replaced {f'{count(before)} samples' if ending == '/' else 'the file'})" if before else ""
    begun.screen.say(f"wrote {count(len(found.values))} samples to {out}{earlier}")
    for note in made.notes(schema) if made.notes else ():
        begun.screen.say(note)
    return 0


def _folder_asked(words: Sequence[str]) -> bool:
    """Whether --out names a folder, by its last character, which a path forgets."""
    values = [after for before, after in zip(words, words[1:], strict=False) if before == "--out"]
    values += [word.partition("=")[2] for word in words if word.startswith("--out=")]
    return any(value.endswith("/") for value in values)


def check_out(trained: "Run", out: Path | None, *, as_folder: bool) -> "tuple[Made, Path, str]":
    """How samples of the run's kind are written, where, and its ending, "/" for a folder.

    Raises: ConfigError for a name that says no such form
    """
    from sonde.core.catalogue import load
    from sonde.modalities.catalogue import modality

    about = modality(trained.schema.input.kind)
    if not about.made:
        raise ConfigError(f"samples of {about.noun} cannot be written yet; use sonde.load(RUN).sample() in Python")
    made: Made = load(about.made)
    out = out or Path(f"{USUAL}{made.endings[0]}")
    ending = "/" if as_folder or not out.suffix else out.suffix.lower()
    if ending not in made.endings:
        raise ConfigError(f"--out {out}: {about.noun} are written to names ending in {' or '.join(made.endings)}")
    if ending == "/" and out.suffix:
        raise ConfigError(f"--out {out}/: a folder's name with a {out.suffix} is taken for a file's; leave it out")
    if ending != "/" and not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    return made, out, ending


def _latent(file: Path | None):  # noqa: ANN202
    """(N, *latent) from a file. Raises: DataError"""
    if file is None:
        return None
    import numpy as np
    import torch

    way = "write codes with sonde predict RUN DATA --what latent --out codes.npy"
    try:
        with file.open("rb") as opened:
            if opened.read(len(NPY)) != NPY:
                raise DataError(f"--latent {file} is no .npy file; {way}")
        rows = np.load(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        trouble = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise DataError(f"--latent {file} cannot be read as an array of numbers: {trouble}") from None
    if rows.dtype.kind not in "fiub":
        raise DataError(f"--latent {file} holds no numbers; {way}")
    return torch.from_numpy(np.ascontiguousarray(rows, np.float32))


def _known(trained: "Run", options: SampleOptions, made: "Made"):  # noqa: ANN202
    """(the input (1, *shape), 1 where it is kept (1, *shape)). Raises: ConfigError, DataError"""
    if trained.schema.input.has_frames:
        return _known_frames(trained, options)
    if options.keep_frames is not None:
        raise ConfigError("--keep-frames is for clips, and this run makes none; use --mask")
    if options.known is None and options.mask is None:
        return None, None
    if made.gaps is not None:
        if options.known is None or options.mask is not None:
            raise ConfigError("--mask is for images; write a text with gaps in --known, and leave --mask out")
        return made.gaps(options.known, trained.schema)
    if options.known is None or options.mask is None:
        given, other = ("--known", "--mask") if options.known is not None else ("--mask", "--known")
        raise ConfigError(f"{given} needs {other}: an input, and where it is generated again")
    if not trained.schema.input.has_planes:
        raise ConfigError("--known and --mask are for images and texts")
    import torch

    known = trained.preprocess(options.known)
    assert isinstance(known, torch.Tensor)
    white = mask_of(options.mask, height=known.shape[2], width=known.shape[3])
    if white.all() or not white.any():
        what, left = ("white", "keep") if white.all() else ("black", "make")
        raise ConfigError(f"--mask {options.mask} is all {what}: nothing is left to {left}")
    return known.cpu(), torch.from_numpy(~white).float().expand_as(known)


def mask_of(file: Path, *, height: int, width: int) -> "np.ndarray":
    """(H, W) bool: where a mask is white. Raises: ConfigError for one of another size, or in colour; DataError"""
    import numpy as np
    from PIL import Image

    try:
        with Image.open(file) as opened:
            pixels = np.asarray(opened.convert("RGB")).astype(int)
    except OSError as error:
        raise DataError(f"--mask {file} cannot be read as an image: {first_line(error)}") from None
    if pixels.shape[:2] != (height, width):
        raise ConfigError(
            f"--mask {file} has {pixels.shape[1]}x{pixels.shape[0]} pixels, and samples have {width}x{height}; draw it in "
            "that size"
        )
    if (np.ptp(pixels, axis=2) > 0).any():
        raise ConfigError(
            f"--mask {file} is in colour; draw it white where --known is made anew, and black where it is kept"
        )
    return pixels[..., 0] >= 128


def _known_frames(trained: "Run", options: SampleOptions):  # noqa: ANN202
    """The same of a clip whose first frames are kept. Raises: ConfigError, DataError"""
    if options.mask is not None:
        raise ConfigError("--mask is for images; of a clip, --keep-frames says how many of its first frames are kept")
    if options.known is None and options.keep_frames is None:
        return None, None
    if options.known is None or options.keep_frames is None:
        given, other = ("--known", "--keep-frames") if options.known is not None else ("--keep-frames", "--known")
        raise ConfigError(f"{given} needs {other}: a clip, and how many of its first frames are kept")
    frames = trained.schema.input.shape[0]
    if not 0 < options.keep_frames < frames:
        raise ConfigError(
            f"--keep-frames must be 1 to {frames - 1} of a clip's {frames} frames, got {options.keep_frames}"
        )
    import torch

    known = trained.preprocess(str(options.known))
    assert isinstance(known, torch.Tensor)
    if len(known) != 1:
        raise ConfigError(f"--known {options.known} holds {len(known)} clips; name a file with one")
    keep = torch.zeros_like(known)
    keep[:, : options.keep_frames] = 1
    return known.cpu(), keep.cpu()

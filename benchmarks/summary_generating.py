"""Rows of the table of `benchmarks.summary` for what makes inputs: images, sound, clips, texts, forecasts, tables."""

from collections.abc import Iterator
from typing import Any

Row = tuple[str, str, str, str]  # what, Sonde, beside it, runs
HELD_OUT_TEXT = "held-out text"


def generating(found: dict[str, Any]) -> Iterator[Row]:
    """Digits by class, each trained for the same time."""
    table = dict(found["table"])
    floor = table.pop("halves of the test rows")["frechet"]
    rates = (f"{name} {row['samples/s']:g}/s" for name, row in table.items() if "samples/s" in row)
    said = {name: f"{name}: {_digits(row, floor)}" for name, row in table.items()}
    ours = [text for name, text in said.items() if name.partition(",")[0] in ("flow-matching", "diffusion")]
    peers = [text for text in said.values() if text not in ours]
    what = f"MNIST by class, {found['minutes']:g} minutes of {_threads(found['cores of each'])} each"
    yield what, "; ".join(ours), "; ".join(peers) or "none in this run", "1"
    yield "the same: samples a second while judged", ", ".join(rates), "", "1"


def _digits(row: dict[str, float], floor: float) -> str:
    return (
        f"agreement {row['agreement']:.1%}, Fréchet {row['frechet']:.2f} ({row['frechet'] / floor:.1f} x real halves')"
    )


def gan(found: dict[str, Any]) -> Iterator[Row]:
    """With classes and without."""
    said = {name: f"{name}: {_gan(row)}" for name, row in found["table"].items()}
    ours = "; ".join(text for name, text in said.items() if name.startswith("sonde"))
    peers = "; ".join(text for name, text in said.items() if not name.startswith("sonde"))
    yield f"MNIST, GAN, {found['minutes']:g} minutes", ours, peers or "none in this run", "1"


def _gan(row: dict[str, Any]) -> str:
    agreement = f"agreement {row['agreement']:.1%}, " if "agreement" in row else ""
    distance = (
        f"Fréchet {row['Fréchet']:.2f} (real halves {row['Fréchet between halves']:.2f}), " if "Fréchet" in row else ""
    )
    return f"{agreement}{distance}recall {row['recall']:.2f}"


def flows(found: dict[str, Any]) -> Iterator[Row]:
    """Nats a held-out row."""
    for name, table in found["tables"].items():
        nats = {
            method: f"{value['mean']:.2f} ± {value.get('sd', 0.0):.2f}" for method, value in table["nats a row"].items()
        }
        beside = f"mixture by BIC {nats['mixture']}, one Gaussian {nats['one Gaussian']}"
        yield (
            f"{name}, {table['columns']} columns: nats a held-out row",
            nats["flow"],
            beside,
            f"{found['seeds']} seeds",
        )


def generated(found: dict[str, Any]) -> Iterator[Row]:
    """Whether samples help a classifier that has few labels."""
    for name, ways in found.get("helped", {}).items():
        gain = ways["gain"]
        ours = f"{ways['with']['mean']:.2%}, gain {100 * gain['mean']:.2f} ± {100 * gain.get('sd', 0.0):.2f} points"
        what = f"{name}, {found['label fraction']:.0%} of the labels, classifier with made images among its rows"
        yield what, ours, f"without: {ways['without']['mean']:.2%}", f"{gain['n']} seeds"


def spoken(found: dict[str, Any]) -> Iterator[Row]:
    """Digits that a network says."""
    real = ", ".join(f"{name} {row['agreement']:.1%}" for name, row in found["real"].items() if "agreement" in row)
    what = f"spoken digits, flow matching of mels, {found['minutes']['flow']:g} minutes: known by a judge"
    yield what, f"{found['made']['class_agreement']:.1%}", f"real clips: {real}", "1"


def latent(found: dict[str, Any]) -> Iterator[Row]:
    """In pixels and in codes, and guidance by a weaker run."""
    for part, rows in found["table"].items():
        said = [
            f"{name}: agreement {row['class_agreement']['value']:.1%}, Fréchet {row['frechet_distance']['value']:.2f}"
            + (f", {row['samples/s']:g} samples/s" if "samples/s" in row else "")
            for name, row in rows.items()
        ]
        yield f"{found['data']}, {found['minutes']:g} minutes, {part}", "; ".join(said[1:]), said[0], "1"


def masked_diffusion(found: dict[str, Any]) -> Iterator[Row]:
    """Of held-out text, and texts as a language model sees them."""
    scores = found["held out"]
    ours, other = scores["masked-diffusion"]["loss"], scores["language-model"]["loss"]
    what = f"Shakespeare, {found['minutes']:g} minutes, masked diffusion: nats a character"
    yield what, f"at most {ours:.3f}", f"language model of the same size {other:.3f}", "1"
    texts = found["texts"]["judged by the language model"]
    best = min((name for name in texts if name != HELD_OUT_TEXT), key=lambda name: texts[name]["nats"])
    said = {
        name: f"{name}: {texts[name]['nats']:.2f} nats, entropy {texts[name]['entropy']:.2f}"
        for name in (best, HELD_OUT_TEXT)
    }
    yield (
        "its texts, as the language model sees them",
        said[best],
        said[HELD_OUT_TEXT],
        f"{found['texts']['number']} texts",
    )


def forecast_crps(found: dict[str, Any]) -> Iterator[Row]:
    """Forecast distributions of equal training time."""
    for name, table in found["table"].items():
        said = {
            way: f"{way} {row['crps']:.4f}" + (f" ± {row['crps deviation']:.4f}" if row.get("crps deviation") else "")
            for way, row in table.items()
        }
        ours = next(way for way in said if "diffusion" in way)
        beside = ", ".join(text for way, text in said.items() if way != ours)
        yield f"{name}, {found['minutes']:g} minutes: CRPS of forecasts", said[ours], beside, f"{found['seeds']} seeds"


def video(found: dict[str, Any]) -> Iterator[Row]:
    """How made clips move."""
    for name, row in found["table"].items():
        sides = [
            ", ".join(f"{what.replace('_', ' ')} {each[side]:.3f}" for what, each in row["motion"].items())
            for side in ("made", "real")
        ]
        yield (
            f"{name} (made clips), {found['minutes']:g} minutes: motion",
            sides[0],
            f"real clips: {sides[1]}",
            f"{found['clips']} clips",
        )


def _threads(cores: int) -> str:
    return "one core" if cores == 1 else f"{cores} cores"

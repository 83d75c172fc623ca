"""The section on the network's inside: as the page shows it, and as a terminal of 80 columns does."""

import json
import re

from sonde.report.folder import read_folder
from sonde.report.inside import MOST_LAYERS, MOST_LOOKS, heat, inside_section, table
from sonde.report.layers import Grid, inside
from sonde.report.page import render
from sonde.screen.tables import plain_table


def signals(steps: int, layers: int = 3, prefix: str = "") -> list[dict]:
    """Steps at which the error shrinks tenfold from layer to layer."""
    weights = {f"{prefix}{n}.weight": [0.5, 0.1 * 10.0 ** (n - layers), 1e-3, 100, 10] for n in range(layers)}
    outputs = []
    for n in range(layers):
        outputs += [[f"{prefix}{n}", "layer", 0.0, 1.0, 0.0, 0.0, 10.0 ** (n - layers)]]
        outputs += [[f"{prefix}{n} → relu", "zeroed below a limit", 0.5, 0.5, 0.25, 0.0, None]]
    head = {"phase": "model", "loss": 1.0, "norm": 1.0, "rate": 0.1}
    return [{"step": step + 1, **head, "weights": weights, "outputs": outputs} for step in range(steps)]


def put(run, lines) -> None:
    (run / "signals.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")


def test_the_page_shows_five_quantities_with_a_sentence_each(image_run):
    put(image_run, signals(4))
    html = render(read_folder(image_run))
    section = html[html.index('<section id="inside">') :].partition("</section>")[0]
    assert section.count("<figure>") == section.count('<p class="says">') == section.count("<svg") == 5
    assert "From the last layer (2) to the first (0) the error shrinks 100 times in the first step" in section
    assert "<title>0, step 1: 0.0010</title>" in section
    assert html.index('id="learning"') < html.index('id="inside"') < html.index('id="evaluated"')


def test_two_looks_are_too_few_for_a_chart(image_run):
    put(image_run, signals(2))
    section = inside_section(read_folder(image_run))
    assert section is not None
    assert "<svg" not in section.html
    assert "Only 2 of the steps were measured, too few to draw." in section.html


def test_a_run_without_signals_is_as_before_and_damaged_ones_are_named(image_run):
    before = render(read_folder(image_run))
    assert "Inside the network" not in before
    put(image_run, [{"step": 1, "weights": [], "outputs": 3}])
    damaged = render(read_folder(image_run))
    assert "signals.jsonl does not hold what a run writes there" in damaged
    assert "Inside the network" not in damaged


def test_names_of_layers_are_text(image_run):
    put(image_run, signals(3, prefix="<xy>"))
    assert "<xy>" not in render(read_folder(image_run))


def test_large_networks_and_long_runs_are_thinned_with_their_ends():
    names, steps = [f"layer{n}" for n in range(200)], list(range(1, 1001))
    svg = heat(Grid(names=names, steps=steps, values=[[1.0 + n] * 1000 for n in range(200)]), name="a")
    assert svg.count("<title>") == MOST_LAYERS * MOST_LOOKS
    assert "<title>layer0, step 1: 1.0</title>" in svg
    assert "<title>layer199, step 1,000: 200</title>" in svg
    assert f"{MOST_LAYERS} of 200 layers" in svg


def test_colours_are_logarithmic_and_small_differences_look_small():
    def shades(*values: float) -> list[float]:
        svg = heat(Grid(names=list("abc"), steps=[1], values=[[value] for value in values]), name="a")
        return [float(each) for each in re.findall(r'fill-opacity="([\d.]+)" x="0.0"', svg)]

    low, middle, high = shades(1e-6, 1e-3, 1.0)
    assert (low, middle, high) == (0.06, 0.5, 0.94)
    assert max(shades(1.0, 1.05, 1.1)) - min(shades(1.0, 1.05, 1.1)) < 0.1


def test_the_table_fits_a_terminal_of_80_columns():
    seen = inside(signals(5, layers=4, prefix="encoder.blocks.attention.projection."))
    assert seen is not None
    columns, rows = table(seen)
    lines = plain_table("", columns, rows)
    assert max(map(len, lines)) <= 80
    assert [row[0] for row in rows] == [f"…on.projection.{n}" for n in range(4)]
    assert rows[0][1:] == ("1.0e-4", "1.0e-4", "1.0e-4", "1.0e-4", "0.50", "25 %", "0.20 %")

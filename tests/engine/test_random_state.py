"""Every global stream can be saved, put back, and kept apart from the caller's."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sample_tasks import CPU

from sonde.engine import checkpoint
from sonde.engine.random_state import apart, capture, restore, seed_everything
from sonde.engine.tree import copied, join, same, separate


def draw() -> list[Any]:
    """One of each kind of number that has state of its own: both gauss functions keep a spare one back."""
    return [
        torch.randn(3).tolist(),
        torch.randint(1000, (3,)).tolist(),
        np.random.randn(),
        np.random.rand(),
        random.gauss(0, 1),
        random.random(),
        random.sample(range(100), 3),
    ]


def test_streams_go_on_from_where_they_were_saved() -> None:
    draw()
    saved = copied(capture(CPU))
    first, second = draw(), draw()
    assert first != second
    restore(saved, CPU)
    assert [draw(), draw()] == [first, second]


def test_streams_survive_a_checkpoint(tmp_path: Path) -> None:
    draw()
    saved = capture(CPU)
    checkpoint.write(tmp_path / "c", {}, {"random": saved})
    expected = draw()
    restore(checkpoint.read(tmp_path / "c")[1]["random"], CPU)
    assert draw() == expected
    tree, tensors = separate(saved)
    assert same(join(json.loads(json.dumps(tree)), tensors), saved)


def test_apart_leaves_the_callers_streams_alone_also_on_errors() -> None:
    saved = copied(capture(CPU))
    expected = draw()
    restore(saved, CPU)
    with apart(CPU):
        seed_everything(3, stream="init")
        draw()
    assert draw() == expected
    restore(saved, CPU)

    def fail() -> None:
        with apart(CPU):
            draw()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert draw() == expected


def test_one_seed_starts_two_streams_and_two_seeds_start_others() -> None:
    drawn = {}
    with apart(CPU):
        for seed in (0, 1, 2**32, 2**40 + 7, 2**62):
            for stream in ("init", "dropout"):
                seed_everything(seed, stream=stream)
                drawn[seed, stream] = draw()
                seed_everything(seed, stream=stream)
                assert draw() == drawn[seed, stream]
    for place in range(7):  # every generator is seeded, each differently
        assert len({str(numbers[place]) for numbers in drawn.values()}) == len(drawn)

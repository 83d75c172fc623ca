from sonde.report.moved import cells_of

ENTRY = {"index": 7, "cells": {"age": 35.5, "rooms": 3.0, "sex": "<f>", "cabin": None}}
MOVED = {"probability": True, "rows": {"7": {"age": -0.214, "rooms": 0.05, "sex": 0.4, "cabin": 0.0}}}


def test_what_moved_an_answer_most_comes_first():
    cells = cells_of(ENTRY, MOVED)
    assert [(cell.column, cell.value, cell.moved) for cell in cells] == [
        ("sex", "<f>", "+40 points"),
        ("age", "35.50", "−21 points"),
        ("rooms", "3", "+5 points"),
        ("cabin", "missing", "+0 points"),
    ]
    assert [cell.up for cell in cells] == [True, False, True, True]
    assert [round(cell.part, 3) for cell in cells] == [1.0, 0.535, 0.125, 0.0]


def test_numbers_are_in_the_units_of_the_target():
    moved = {"probability": False, "rows": {"7": {"age": -50820.0}}}
    assert cells_of(ENTRY, moved)[0].moved == "−50,820"


def test_values_stand_without_moves_too():
    assert [cell.moved for cell in cells_of(ENTRY, {})] == [""] * 4
    assert cells_of({"index": 7}, MOVED) == []

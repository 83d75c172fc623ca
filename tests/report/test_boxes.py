import re

import pytest
from markupsafe import Markup

from sonde.report.boxes import MISSED, WRONG, Box, boxes, matched, overlap
from sonde.report.shots import Shot

SHOT = Shot(uri="data:image/png;base64,AAAA", size=(100, 50), name='a"><b>')


def test_overlap_of_boxes():
    assert overlap(Box("", 0, 0, 10, 10), Box("", 5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap(Box("", 0, 0, 1, 1), Box("", 1, 0, 2, 1)) == 0


def test_the_surest_answer_takes_the_object_and_classes_must_agree():
    truth = [Box("cat", 0, 0, 10, 10), Box("dog", 20, 0, 30, 10)]
    answers = [Box("cat", 0, 0, 10, 9, 0.5), Box("cat", 0, 0, 10, 10, 0.9), Box("cat", 20, 0, 30, 10, 0.8)]
    assert matched(truth, answers) == ([True, False], [False, True, False])


def test_what_is_wrong_is_marked_by_words():
    entry = {
        "truth": [{"name": "cat", "box": [0, 0, 10, 10]}, {"name": "<script>", "box": [40, 0, 60, 20]}],
        "objects": [
            {"name": "cat", "box": [0, 0, 10, 10], "score": 0.91},
            {"name": "dog", "box": [80, 0, 90, 9], "score": 0.5},
        ],
    }
    drawn = boxes().draw(SHOT, entry)
    assert isinstance(drawn, Markup)
    assert f"{MISSED} &lt;script&gt;" in drawn
    assert "<script>" not in drawn
    assert ">cat 0.91<" in drawn
    assert f">{WRONG} dog 0.50<" in drawn
    assert "<b>" not in drawn


def test_boxes_are_stretched_with_their_picture():
    drawn = boxes().draw(SHOT, {"size": [100, 200], "truth": [{"name": "a", "box": [20, 20, 40, 60]}], "objects": []})
    assert 'x="10.0" y="10.0" width="10.0" height="20.0"' in drawn


def test_objects_of_training_data_are_not_missed():
    drawn = boxes().draw(SHOT, {"truth": [{"name": "a", "box": [20, 20, 40, 40]}]})
    assert MISSED not in drawn
    assert ">a<" in drawn


def test_of_very_many_answers_those_are_named_that_have_room():
    answers = [{"name": "cat", "box": [0, 0, 90, 45], "score": (n + 1) / 100} for n in range(40)]
    drawn = boxes().draw(SHOT, {"truth": [{"name": "cat", "box": [0, 0, 9, 9]}], "objects": answers})
    places = [
        tuple(map(float, found)) for found in re.findall(r'<text class="mark-text" x="([^"]+)" y="([^"]+)"', drawn)
    ]
    assert 2 <= len(places) < 20
    assert len(set(places)) == len(places)
    assert f">{MISSED} cat<" in drawn
    assert f">{WRONG} cat 0.40<" in drawn  # the surest
    assert drawn.count('stroke="#ffb31a"') == 40

"""What targets given as arrays are taken for, and what is refused."""

from typing import Any

import numpy as np
import pytest

from sonde.core.dataset import TargetSpec
from sonde.core.errors import DataError
from sonde.data.targets import RawTarget, doubts, encode, infer, raw_target, standardised


def inferred(values: Any, **more: Any) -> tuple[TargetSpec, str, np.ndarray]:
    """Spec, the reason, and the encoded target of one split."""
    raw = raw_target(values, "y")
    spec, fact = infer({"train": raw}, **more)
    spec = standardised(spec, raw, np.arange(len(raw.values)))
    return spec, fact.why, encode(raw, spec)["target"]


def test_integers_in_a_row_keep_their_order() -> None:
    spec, why, target = inferred([2, 0, 1, 1, 0, 2])
    assert spec == TargetSpec(kind="class", names=("0", "1", "2"))
    assert why == "labels are the integers 0-2"
    assert target.dtype == np.int64
    assert target.tolist() == [2, 0, 1, 1, 0, 2]


def test_integers_with_gaps_are_encoded_by_their_order() -> None:
    spec, _, target = inferred(np.array([10, -1, 2, 10, 2, -1], dtype=np.int16))
    assert spec.names == ("-1", "2", "10")
    assert target.tolist() == [2, 0, 1, 2, 1, 0]


def test_text_is_sorted_as_a_person_would() -> None:
    spec, why, target = inferred(["class 10", "class 2", "class 10"])
    assert spec.names == ("class 2", "class 10")
    assert why == "names in y"
    assert target.tolist() == [1, 0, 1]


def test_booleans_are_classes() -> None:
    spec, _, target = inferred(np.array([True, False, True]))
    assert spec.names == ("false", "true")
    assert target.tolist() == [1, 0, 1]
    assert spec.out_dim == 1


def test_objects_of_text_and_of_numbers() -> None:
    assert inferred(np.array(["b", "a", "b"], dtype=object))[0].names == ("a", "b")
    assert inferred(np.array([1.5, 2.5, 0.0], dtype=object))[0].kind == "value"


def test_class_names_of_the_source_are_used() -> None:
    spec, why, target = inferred([1, 0, 1], names=("cat", "dog", "owl"))
    assert spec.names == ("cat", "dog", "owl")
    assert why == "class names from the data"
    assert target.tolist() == [1, 0, 1]


def test_real_numbers_are_standardised_values() -> None:
    values = np.array([1.0, 2.0, 6.0])
    spec, _, target = inferred(values)
    assert spec.kind == "value"
    assert spec.mean == (3.0,)
    assert spec.std == pytest.approx((np.std(values),))
    assert target.dtype == np.float32
    np.testing.assert_allclose(target[:, 0], (values - 3) / np.std(values), rtol=1e-6)


def test_the_task_decides() -> None:
    assert inferred([0, 1, 5, 1], kind="value", task="regression")[0].kind == "value"
    spec, _, target = inferred([0.0, 1.0, 5.0, 1.0], kind="class", task="classification")
    assert spec.names == ("0", "1", "5")
    assert target.tolist() == [0, 1, 2, 1]


def test_integers_that_hardly_repeat_are_values_and_that_is_said() -> None:
    spec, why, _ = inferred(np.arange(30))
    assert spec.kind == "value"
    assert why == "y holds 30 distinct integers, too many for classes"


def test_whole_floats_are_values_but_the_flag_is_named() -> None:
    assert "--task classification" in inferred([0.0, 1.0, 1.0, 0.0])[1]


def test_a_column_of_one_is_a_vector() -> None:
    assert inferred([[0], [1], [1]])[0].kind == "class"


def test_rows_of_zeros_and_ones_are_labels() -> None:
    spec, _, target = inferred([[1, 1, 0], [0, 1, 0], [0, 0, 1]], columns=("red", "round", "big"))
    assert spec == TargetSpec(kind="labels", names=("red", "round", "big"))
    assert target.dtype == np.float32
    assert target.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


def test_one_hot_rows_are_classes() -> None:
    spec, why, target = inferred(np.eye(3)[[2, 0, 1, 1]])
    assert spec.kind == "class"
    assert why == "every row of y holds a single 1"
    assert target.tolist() == [2, 0, 1, 1]


def test_gaps_among_outputs_are_masked() -> None:
    nan = float("nan")
    raw = raw_target([[1.0, 10.0], [3.0, nan], [nan, 30.0]], "y")
    spec, _ = infer({"train": raw}, task=None)
    spec = standardised(spec, raw, np.arange(3))
    fields = encode(raw, spec)
    assert spec.masked
    assert spec.mean == (2.0, 20.0)
    assert spec.std == (1.0, 10.0)
    assert fields["target"].tolist() == [[-1, -1], [1, 0], [0, 1]]
    assert fields["mask"].tolist() == [[1, 1], [1, 0], [0, 1]]


def test_standardisation_looks_at_training_rows_alone() -> None:
    raw = raw_target([0.0, 2.0, 1000.0], "y")
    spec = standardised(TargetSpec(kind="value", names=("value",)), raw, np.array([0, 1]))
    assert (spec.mean, spec.std) == ((1.0,), (1.0,))


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        ([1.0, float("nan"), 2.0], {}, "y row 1 has no target (NaN), as have 1 rows in all; leave them out"),
        ([1.0, float("inf")], {}, "y row 1 has an infinite target"),
        ([3, 3, 3], {}, "y: the target is 3 in every row; there is nothing to learn"),
        ([0.5, 0.5], {}, "y: the target is 0.5 in every row; there is nothing to learn"),
        (["a", "a"], {}, "y: the target is a in every row"),
        ([[1, 0, 1], [1, 1, 0]], {}, "y: label '0' is the same in every row"),
        ([0, 1, 7], {"names": ("a", "b")}, "y row 2: label 7 is out of range; the 2 classes are a, b"),
        ([0, -1, 1], {"names": ("a", "b")}, "y row 1: label -1 is out of range"),
        (
            ["a", "b"],
            {"kind": "value", "task": "regression"},
            "y holds text, which cannot be a regression target; leave --task regression out",
        ),
        (
            [0.5, 1.5, 0.5],
            {"kind": "class", "task": "classification"},
            "y holds 2 distinct numbers, which are not classes",
        ),
        ([[0.5, 1], [2, 3]], {"kind": "class", "task": "classification"}, "y has 2 outputs that are not all 0 or 1"),
        ([[0.5, 1], [2, 1]], {}, "y: '1' is the same in every training row"),
        (np.zeros((2, 2, 2)), {}, "y has 3 axes (2, 2, 2)"),
        (np.array(["a", None]), {}, "y row 1 has no target; leave the row out"),
        (np.array(["a", 1], dtype=object), {}, "y mixes text and numbers"),
        (np.array([["a", "b"], ["a", "c"]]), {}, "y has 2 columns of text; give one"),
        (np.array([1j, 2j]), {}, "y holds complex128; a target is made of"),
    ],
)
def test_refused(values: Any, more: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        inferred(values, **more)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_saved_spec_names_an_unknown_class() -> None:
    spec = TargetSpec(kind="class", names=("cat", "dog"))
    with pytest.raises(DataError, match=r"labels.txt row 3: label 'cow' is out of range; the 2 classes are cat, dog"):
        encode(RawTarget(values=np.array(["cat", "cow"]), place="labels.txt", first=2), spec)


def test_splits_must_agree_in_kind() -> None:
    parts = {"train": raw_target([0, 1, 1], "y_train"), "test": raw_target(["a", "b"], "y_test")}
    with pytest.raises(DataError, match="y_test holds text, but y_train integers"):
        infer(parts, task=None)


def test_what_targets_may_mean_otherwise_is_said() -> None:
    floats = raw_target(np.array([0.0, 1.0, 2.0] * 4), "y")
    spec, _ = infer({"train": floats})
    assert doubts(floats, spec) == [
        "y holds only the whole numbers 0, 1, 2, as floats: they are taken as values; --task classification takes them as classes"
    ]
    assert doubts(floats, spec, kind="value") == []  # which was asked for
    ignored = raw_target(np.array([0, 1, -100, -100] * 3), "y")
    spec, _ = infer({"train": ignored})
    (said,) = doubts(ignored, spec)
    assert said.startswith("y: -100 is taken as a class (6 rows); where it marks rows without one")
    for plain in (np.array([0, 1, 2] * 4), np.array([-1, 1] * 6), np.array([0.5, 1.0, 2.0] * 4)):
        target = raw_target(plain, "y")
        assert doubts(target, infer({"train": target})[0]) == []

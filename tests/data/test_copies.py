import numpy as np

from sonde.core.findings import Finding
from sonde.data.copies import Kind, Survey, copy_findings
from sonde.data.rows import ArrayInputs, InputRows

IMAGES = Kind("exact", "images")


def survey(labels: list[int], *, train: int, names: tuple[str, ...] = ("cat", "dog")) -> Survey:
    """Rows 0 to `train` in train, the rest in test."""
    values = np.zeros((len(labels), 1), np.float32)
    rows = {"train": values[:train], "test": values[train:]}
    splits = tuple((split, InputRows(ArrayInputs(array, split + ".npy"))) for split, array in rows.items())
    return Survey(splits=splits, labels=np.array(labels), class_names=names)


def by_check(findings: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.evidence for finding in findings}


def test_no_copies_no_findings() -> None:
    assert copy_findings([], IMAGES, survey([0, 1, 0, 1], train=2)) == []


def test_copies_across_splits_are_counted_in_the_later_split() -> None:
    found = by_check(
        copy_findings([np.array([0, 4]), np.array([1, 5, 6])], IMAGES, survey([0, 1, 0, 0, 0, 1, 1, 0], train=4))
    )
    assert found == {
        "exact copies across splits": "3 of 4 test images are also in another split: "
        "train train.npy row 0 = test test.npy row 0; train train.npy row 1 = test test.npy row 2"
    }


def test_copies_within_a_split_count_what_is_too_many() -> None:
    found = by_check(copy_findings([np.array([0, 1, 2])], IMAGES, survey([0] * 9 + [1], train=8)))
    assert found == {
        "exact copies within a split": "2 images repeat another of their split: train train.npy row 0 = train train.npy row 2"
    }


def test_copies_with_two_labels_are_disputed() -> None:
    labels = [0, 1, *[0, 1] * 5]
    found = by_check(copy_findings([np.array([0, 1])], Kind("re-encoded", "images"), survey(labels, train=10)))
    assert found["re-encoded copies under different labels"] == (
        "1 group of equal images have more than one label: train train.npy row 0 (cat) = train train.npy row 1 (dog)"
    )


def test_a_class_that_copies_another_is_named_once_and_not_as_a_dispute() -> None:
    labels = [0] * 6 + [1] * 4 + [2] * 4
    groups = [np.array([place, 6 + place]) for place in range(4)]
    findings = copy_findings(groups, IMAGES, survey(labels, train=14, names=("cat", "kitten", "dog")))
    found = by_check(findings)
    assert set(found) == {"class copies another", "exact copies within a split"}
    assert found["class copies another"] == (
        "4 of 4 images (100 %) of class 'kitten' are exact copies of some in 'cat'"
    )
    assert findings[0].action == "remove 'kitten', or merge the two classes"


def test_two_equal_classes_are_named_once() -> None:
    groups = [np.array([place, 3 + place]) for place in range(3)]
    findings = copy_findings(groups, IMAGES, survey([0, 0, 0, 1, 1, 1], train=6))
    assert [f.check for f in findings].count("class copies another") == 1

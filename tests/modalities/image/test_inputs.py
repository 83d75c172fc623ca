"""Images to predict on, among files that are none to us."""

import glob
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.modalities.inputs import rows_for
from sonde.modalities.open import open_data


def test_pictures_that_are_not_read_are_refused_by_name_and_the_others_can_be_named(tmp_path: Path) -> None:
    for name, value in (("a", 20), ("b", 200)):
        (tmp_path / "train" / name).mkdir(parents=True)
        for n in range(8):
            Image.fromarray(np.full((8, 8), value + n, np.uint8)).save(tmp_path / "train" / name / f"{n}.png")
    schema = open_data(tmp_path / "train", data_config()).schema
    new = tmp_path / "train" / "a"
    (new / "scan.dcm").write_bytes(b"DICM")
    with pytest.raises(
        DataError, match=r"a holds pictures of a kind that is not read \(1\), such as scan\.dcm; write each as PNG"
    ) as said:
        rows_for([str(new)], schema)
    pattern = str(said.value).split("'")[-2]
    assert len(glob.glob(pattern, recursive=True)) == 8
    assert len(rows_for([pattern], schema)[0]) == 8

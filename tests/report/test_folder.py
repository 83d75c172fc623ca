import json
from dataclasses import replace

import pytest

from sonde.core.errors import RunFolderError
from sonde.report.folder import read_folder, read_lines


def test_all_files_are_read(image_run):
    run = read_folder(image_run)
    assert (run.split, run.metric, run.last_step) == ("test", "accuracy", 3200)
    assert (len(run.steps), len(run.evaluations), len(run.findings)) == (320, 8, 3)
    assert set(run.evaluated["test"]) == {"metrics", "confusion", "per_class", "calibration", "worst"}
    assert run.config["settings"]["batch_size"] == 64
    assert run.unreadable == ()


def test_a_torn_last_line_is_ignored_without_a_word(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"kind": "step", "step": 1}\n{"kind": "step", "ste')
    troubles = []
    assert read_lines(path, troubles) == [{"kind": "step", "step": 1}]
    assert troubles == []


def test_a_broken_line_in_the_middle_is_told(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": \n\n{"a": 3}\n[1]\n')
    troubles = []
    assert read_lines(path, troubles) == [{"a": 1}, {"a": 3}]
    assert troubles == [f"metrics.jsonl line {number} is damaged and was left out" for number in (2, 5)]


def test_a_last_line_without_its_end_counts_when_it_is_whole(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps({"a": 1}))
    assert read_lines(path, []) == [{"a": 1}]


def test_files_that_cannot_be_read_are_named_and_the_rest_is_kept(image_run):
    (image_run / "result.json").write_text('{"task": ')
    (image_run / "config.yaml").write_text("a: [1\nb: 2")
    run = read_folder(image_run)
    assert run.result == run.config == {}
    assert len(run.unreadable) == 2
    assert run.unreadable[0].startswith("config.yaml is not YAML (")
    assert run.unreadable[1].startswith("result.json is not JSON (")
    assert run.data["form"] == "IDX files"


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=r"there is no run folder .*/absent; `sonde runs` lists"):
        read_folder(tmp_path / "absent")
    with pytest.raises(RunFolderError, match=r"holds no run \(no config.yaml\)"):
        read_folder(tmp_path)


def test_a_run_that_has_only_begun(tmp_path):
    (tmp_path / "config.yaml").write_text("data: x\n")
    run = read_folder(tmp_path)
    assert (run.split, run.metric, run.last_step, run.steps) == ("", "", 0, [])


def test_a_network_of_ones_own_has_its_class_as_name_before_there_is_a_result(image_run):
    run = read_folder(image_run)
    open_run = replace(run, result={}, data={**run.data, "code": {"network": {"name": "Net", "hash": "1"}}})
    assert open_run.model == "Net"
    assert replace(open_run, data={"code": ["damaged"]}).model == "compact-cnn"

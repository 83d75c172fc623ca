"""Event files are read back with TensorBoard's own reader."""

import struct
import time

import pytest

from sonde.core.records import EvaluationRecord, EventRecord, StepRecord
from sonde.report.events import Events, crc32c, framed, masked, summary

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def read(folder):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksum_matches_the_published_values(data, expected):
    assert crc32c(data) == expected


def test_mask_agrees_with_tensorboard():
    pywrap = pytest.importorskip("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
    assert masked(crc32c(b"record")) == pywrap.masked_crc32c(b"record")


def test_messages_agree_with_the_protocol_buffers():
    proto = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    from sonde.report.events import event

    parsed = proto.Event.FromString(event(12.5, 300, summary({"a/b": 0.5, "ü": -2.0})))
    assert (parsed.wall_time, parsed.step) == (12.5, 300)
    assert [(v.tag, v.simple_value) for v in parsed.summary.value] == [("a/b", 0.5), ("ü", -2.0)]


def test_written_scalars_are_read_back(tmp_path):
    events = Events(tmp_path / "events")
    for step in range(1, 301):
        events.add(step, {"train/loss": 1 / step, "lr": 0.5})
    events.close()
    events.close()
    found = read(tmp_path / "events")
    assert [step for step, _ in found["lr"]] == list(range(1, 301))
    assert found["train/loss"][6] == (7, struct.unpack("<f", struct.pack("<f", 1 / 7))[0])


def test_a_resumed_run_purges_what_it_writes_again(tmp_path):
    first = Events(tmp_path)
    for step in range(1, 11):
        first.add(step, {"loss": 1.0})
    first.close()
    second = Events(tmp_path, purge_step=6)
    for step in range(6, 9):
        second.add(step, {"loss": 2.0})
    second.close()
    assert second.path.name > first.path.name
    assert read(tmp_path)["loss"] == [(s, 1.0) for s in range(1, 6)] + [(s, 2.0) for s in range(6, 9)]


def test_a_torn_end_costs_only_itself(tmp_path):
    events = Events(tmp_path)
    for step in (1, 2, 3):
        events.add(step, {"loss": float(step)})
    events.close()
    events.path.write_bytes(events.path.read_bytes()[:-5])
    assert read(tmp_path)["loss"] == [(1, 1.0), (2, 2.0)]


def test_values_the_format_cannot_hold_become_infinite(tmp_path):
    events = Events(tmp_path)
    events.add(1, {"loss": 1e300, "other": float("nan")})
    events.close()
    found = read(tmp_path)
    assert found["loss"] == [(1, float("inf"))]
    assert found["other"][0][1] != found["other"][0][1]


def test_the_observer_keeps_to_its_interval(tmp_path):
    observe = Events(tmp_path, log_every=5)
    for step in range(1, 21):
        assert observe(StepRecord(step, 0, 8, {"model/loss": 1.0 * step}, {"model": 2.0}, 0.1)) == "continue"
    observe(EvaluationRecord(20, 0, "validation", {"accuracy": 0.75}, 0.1))
    observe(EventRecord(20, "resumed"))
    observe.close()
    found = read(tmp_path)
    assert found["train/model/loss"] == [(5, 5.0), (10, 10.0), (15, 15.0), (20, 20.0)]
    assert found["norm/model"][-1] == (20, 2.0)
    assert found["validation/accuracy"] == [(20, 0.75)]


def test_nothing_is_encoded_before_the_flush(tmp_path):
    events = Events(tmp_path, every_s=1000)
    empty = events.path.stat().st_size
    events.add(1, {"loss": 1.0})
    assert events.path.stat().st_size == empty
    events.flush()
    assert events.path.stat().st_size > empty
    events.close()


def test_an_event_is_cheap():
    begun = time.perf_counter()
    for step in range(200):
        framed(summary({"train/model/loss": 0.1 * step, "norm/model": 1.0, "lr": 1e-3}))
    assert (time.perf_counter() - begun) / 200 < 2e-3  # measured 20 µs; a busy machine is allowed a hundred times that

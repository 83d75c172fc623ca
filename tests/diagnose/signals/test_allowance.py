"""How long looking on has to wait."""

import pytest

from sonde.diagnose.signals import allowance
from sonde.diagnose.signals.allowance import AT_FIRST_S, SHARE, Allowance


def test_what_was_taken_is_waited_for_until_it_is_a_small_share(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(allowance.time, "perf_counter", lambda: now[0])
    held = Allowance()
    assert held.wait_s() < 0
    with held.spending():
        now[0] += 0.05
    held.looking = 0.02
    assert held.wait_s() == pytest.approx((0.07 - AT_FIRST_S) / SHARE - 0.05)
    now[0] += held.wait_s()
    assert (held.spent + held.looking - AT_FIRST_S) / held.elapsed() == pytest.approx(SHARE)

"""Tokens by the reason they were written for: each once, all of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from credit_viz.trace.reasons import REASONS, written_by
from credit_viz.trace.record import Reason
from tests.cases import cases
from tests.support import trace_of

TOPS = [{0: 1, 1: 2, 2: 3, 3: 4}] * 4


def test_a_token_counts_for_its_last_write() -> None:
    events = [
        (1, 0, 1, int(Reason.CREDIT)),
        (1, 1, 2, int(Reason.FORCED)),
        (2, 1, 9, int(Reason.REMASKED)),
        (3, 1, 3, int(Reason.CONFIDENT)),
        (3, 2, 3, int(Reason.CONFIDENT)),
        (3, 3, 4, int(Reason.SCHEDULED)),
        (4, 2, 9, int(Reason.REMASKED)),
        (4, 3, 5, int(Reason.EDITED)),
    ]
    found = written_by(trace_of(TOPS, events))
    assert {name: count for name, count in found.items() if count} == {"confident": 1, "credit": 1, "edited": 1}
    assert list(found) == [*REASONS, "edited", "intervened"]


@given(st.data())
def test_every_written_token_counts_once(data: st.DataObject) -> None:
    trace = data.draw(cases()).run()
    found = written_by(trace)
    assert sum(found.values()) == (trace.commit_step > 0).sum()
    assert set(found) == {reason.name.lower() for reason in Reason} - {"remasked"}

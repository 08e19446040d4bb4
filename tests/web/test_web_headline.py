"""The head of the page names its places only where there is more than one."""

from __future__ import annotations

import pytest

from credit_viz.web.headline import headline


@pytest.mark.parametrize("lab", [True, False])
def test_the_way_to_the_lab_is_there_where_there_is_a_lab(lab: bool) -> None:
    head = headline(lab=lab)
    assert "make up its mind" in head
    assert ('href="?at=lab"' in head) == lab
    assert (head.count("<h1>") == 2) == lab


def test_a_sweep_alone_has_no_race_beside_it() -> None:
    assert "<nav" in headline(lab=True, race=True)
    assert "<nav" not in headline(lab=True, race=False)
    assert "<nav" not in headline(lab=False, race=True)

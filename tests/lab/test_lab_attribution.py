"""Attribution: the controls are what they are called, and the numbers are those of the runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from credit_viz.errors import SettingsError
from credit_viz.lab import Arm, InlineCrew, attribute, sweep
from credit_viz.lab.attribution import ROWS
from credit_viz.trace.reasons import REASONS
from tests.lab.conftest import small_plan


def credit_plan(**knobs: Any) -> Any:
    return small_plan(arms=(Arm("credit", knobs),), options={"gen_length": 8, "block_length": 8}, compare="always")


def test_rows_are_the_controls_and_differences_add_up(mock: Any) -> None:
    plan = credit_plan(threshold=0.5, alpha=1.0)
    found = attribute(plan, workers=InlineCrew(mock))
    table = found.table.set_index("row")
    assert list(table.index) in ([*ROWS], [*ROWS[:3]])
    own = sweep(plan, workers=InlineCrew(mock)).frame
    assert table.loc["as set", "forward_passes"] == own["forward_passes"][own["decoder"] == "credit"].mean()
    assert found.saved.value == pytest.approx(found.lower_bar.value + found.memory.value)
    passes = table["forward_passes"]
    assert found.saved.value == pytest.approx(passes["without credit"] - passes["as set"])
    assert found.memory.value == pytest.approx(passes["no history"] - passes["as set"])
    assert table.loc["without credit", "written_credit"] == 0
    written = table[[f"written_{reason}" for reason in REASONS]].sum(axis=1)
    assert written.tolist() == pytest.approx([8] * len(table))
    assert str(found.prompts) in found.sentence


def test_the_rival_is_the_rule_alone_at_about_as_few_passes(mock: Any) -> None:
    found = attribute(credit_plan(threshold=0.9, alpha=3.0), workers=InlineCrew(mock))
    assert found.rival is not None
    assert found.rival.knob == "threshold"
    assert found.rival.value < found.rival.set_to == 0.9
    table = found.table.set_index("row")["forward_passes"]
    assert found.passes_gap == pytest.approx(table["as few passes"] - table["as set"])
    assert abs(found.passes_gap) < table["without credit"] - table["as set"]
    assert f"{found.rival.value:g}" in found.sentence


def test_asking_again_in_the_same_folder_decodes_nothing(mock: Any, tmp_path: Path) -> None:
    plan = credit_plan(threshold=0.9)
    first = attribute(plan, tmp_path, InlineCrew(mock))
    told = []
    again = attribute(plan, tmp_path, InlineCrew(mock), tell=told.append)
    assert all(progress.done == progress.reused for progress in told)
    assert again.sentence == first.sentence


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        (Arm("threshold"), "decoder 'threshold' grants no credit; valid: credit, "),
        (Arm("credit", {"alpha": 0}), "alpha=0 gives credit no weight"),
        (Arm("credit", {"alpha": (0.5, 1)}), "2 settings to attribute; valid: one decoder"),
    ],
)
def test_what_cannot_be_attributed_is_refused(arm: Arm, message: str, mock: Any) -> None:
    with pytest.raises(SettingsError, match=message):
        attribute(small_plan(arms=(arm,)), workers=InlineCrew(mock))

"""What is shipped of a study: the same results, packed, with the time it took; documents with their numbers."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from credit_viz.errors import BackendError, SettingsError
from credit_viz.lab import SweepResult
from credit_viz.study.picture import by_family
from credit_viz.study.scores import NO_HISTORY
from credit_viz.study.shipping import fill, load_study, ship
from tests.study.made import BLOCKS, SESSIONS, plan_of, result_of


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder as `make study` leaves it."""
    folder = tmp_path / "made"
    result_of(plan_of()).save(folder / "sweep")
    for length in BLOCKS:
        result_of(plan_of(count=30, blocks=(length,))).save(folder / "verification" / f"blocks-{length}")
    for name in ("tune", "attribute"):
        (folder / f"{name}.json").write_text(json.dumps({"sentence": f"{name} – says so"}), encoding="utf-8")
    return folder


def test_what_is_shipped_is_what_was_made(made: Path, tmp_path: Path) -> None:
    took = datetime(2026, 1, 1, 0, 1, 40, tzinfo=UTC).timestamp()
    os.utime(made / "sweep" / "runs.parquet", (took, took))
    stale = tmp_path / "out" / "verification" / "blocks-99"
    stale.mkdir(parents=True)
    ship(made, tmp_path / "out", {"cores": 2})
    shipped = load_study(tmp_path / "out")
    before = SweepResult.load(made / "sweep").frame
    pd.testing.assert_frame_equal(shipped.sweep.frame, before)
    assert [part.plan.options["block_length"] for part in shipped.verification] == [(4,), (8,)]
    assert shipped.made["cores"] == 2
    assert shipped.made["sweep"] == {"runs": len(before), "seconds": 100}
    assert shipped.answers["tune"]["sentence"] == "tune – says so"
    assert not stale.exists()


def test_the_time_of_a_sweep_that_was_taken_up_again_is_not_known(made: Path, tmp_path: Path) -> None:
    again = result_of(plan_of())
    again.manifest["sessions"] = [*SESSIONS, *SESSIONS]
    again.save(made / "sweep")
    ship(made, tmp_path / "out", {})
    assert load_study(tmp_path / "out").made["sweep"]["seconds"] is None


def test_an_unfinished_sweep_is_not_shipped(made: Path, tmp_path: Path) -> None:
    whole = result_of(plan_of())
    SweepResult(whole.manifest, whole.frame.iloc[2:]).save(made / "sweep")
    with pytest.raises(SettingsError, match="2 runs are missing or failed; valid: a whole sweep"):
        ship(made, tmp_path / "out", {})


def test_a_folder_without_a_study_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="holds no sweep"):
        load_study(tmp_path)


def test_the_picture_tells_credit_from_its_control() -> None:
    counts = by_family(result_of(plan_of())).frame["decoder"].value_counts()
    assert counts["credit"] == counts[f"credit, {NO_HISTORY}"] == 2 * counts["threshold"]


def test_a_document_keeps_all_but_its_blocks(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("before\n<!-- time -->\nold\n<!-- /time -->\nafter\n", encoding="utf-8")
    assert fill(document, {"time": r"new \1"}) == "before\n<!-- time -->\nnew \\1\n<!-- /time -->\nafter\n"
    with pytest.raises(SettingsError, match="has no block 'chosen'"):
        fill(document, {"chosen": "x"})

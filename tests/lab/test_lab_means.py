"""Means of many groups at once, against one group at a time; numbers of settings, differences, filters."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from credit_viz.errors import SettingsError
from credit_viz.evaluation.answers import content_key
from credit_viz.lab import Arm, Prompt
from credit_viz.lab.means import grouped, intervals, prompt_means
from credit_viz.lab.plan import content_keys
from credit_viz.lab.result import tidy
from credit_viz.tiny.statistics import interval, mean_interval, resample
from tests.lab.made import MODEL, made_plan, made_result, made_rows


def test_every_group_is_as_if_it_were_alone() -> None:
    rng = np.random.default_rng(1)
    means = rng.random((1500, 7))
    found = intervals(means, resample(7, 0))
    for place in (0, 700, 1023, 1024, 1499):
        alone = mean_interval(means[place], resample(7, 0))
        assert found[place] == pytest.approx([alone.value, alone.low, alone.high])


def test_a_missing_prompt_counts_nowhere() -> None:
    weights = resample(4, 0)
    values = np.array([[1.0, np.nan, 3.0, 8.0], [np.nan] * 4, [1.0, 2.0, 3.0, 8.0]])
    found = intervals(values, weights)
    have = [0, 2, 3]
    drawn = weights[:, have].sum(1)
    own = (weights[:, have] @ values[0, have])[drawn > 0] / drawn[drawn > 0]
    expected = interval(np.concatenate([[own[0]], own[1:]]))
    assert (drawn == 0).any(), "a resample can miss all three"
    assert found[0] == pytest.approx([4.0, expected.low, expected.high])
    assert np.isnan(found[1]).all()
    assert found[2, 0] == 3.5


def test_groups_by_first_appearance_with_what_is_missing() -> None:
    frame = pd.DataFrame({"a": [2.0, np.nan, 2.0, np.nan], "b": ["x", "x", "y", "x"], "prompt": ["p", "q", "p", "q"]})
    groups = grouped(frame, ["a", "b"])
    assert groups.code.tolist() == [0, 1, 2, 1]
    assert groups.first.tolist() == [0, 1, 2]
    assert prompt_means(groups, np.array([1.0, 4.0, 2.0, np.nan]))[1].tolist()[1] == 4.0
    assert grouped(frame, []).per_prompt().tolist() == [[2.0, 2.0]]
    assert grouped(frame.iloc[:0], ["a"]).per_prompt().shape == (0, 0)


def test_the_table_against_pandas() -> None:
    result = made_result(fail=0.2)
    table = result.table(["decoder", "alpha"], ["mean_wait", "exact_match"])
    for row in table.to_dict("records"):
        own = result.frame[result.frame["decoder"] == row["decoder"]]
        own = own[own["alpha"].isna() if pd.isna(row["alpha"]) else own["alpha"] == row["alpha"]]
        assert row["runs"] == len(own)
        assert row["failed"] == own["failed"].notna().sum() > 0
        assert row["prompts"] == own["prompt"].nunique()
        for name in ("mean_wait", "exact_match"):
            assert row[name] == pytest.approx(own.groupby("prompt")[name].mean().mean())
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_numbers_count_settings_and_options_but_no_seeds() -> None:
    result = made_result()
    frame = result.frame
    assert sorted(set(frame["number"])) == list(range(28))
    assert (frame.groupby("number")[["setting", "block_length"]].nunique() == 1).all(axis=None)
    assert (frame.groupby(["setting", "block_length"])["number"].nunique() == 1).all()
    assert (frame.groupby("number")["seed"].nunique() == 2).all()
    first = frame[(frame["prompt"] == "p0") & (frame["seed"] == 0)]
    assert first["number"].tolist() == list(range(28)), "in the order of the plan"


def test_numbers_do_not_change_while_a_sweep_runs_or_is_filtered() -> None:
    plan = made_plan(compare="always")
    rows = made_rows(plan)
    whole = tidy(plan, MODEL, rows).set_index("key")["number"]
    assert sorted(set(whole)) == list(range(30)), "the reference has numbers, too"
    some = dict(list(rows.items())[::-7])
    part = tidy(plan, MODEL, some).set_index("key")["number"]
    assert part.to_dict() == whole[part.index].to_dict()
    kept = made_result(plan).where(decoder=["threshold"], block_length=8).frame
    assert kept.set_index("key")["number"].to_dict() == whole[kept["key"]].to_dict()


def test_the_reference_is_numbered_where_any_prompt_is_compared() -> None:
    prompts = (Prompt("judged", "a", "b"), Prompt("open", "c"))
    plan = made_plan(arms=(Arm("threshold"),), prompts=prompts, options={"gen_length": 8, "block_length": 8})
    frame = made_result(plan).frame
    assert frame[["prompt", "decoder", "number"]].to_numpy().tolist() == [
        ["judged", "threshold", 1],
        ["open", "vanilla", 0],
        ["open", "threshold", 1],
    ]


def test_differences_are_paired_by_prompt() -> None:
    result = made_result(fail=0.1)
    found = result.against(3, "forward_passes").set_index("number")
    by_prompt = result.frame.groupby(["number", "prompt"])["forward_passes"].mean().unstack().astype(float)
    for number in (0, 3, 17):
        difference = by_prompt.loc[number] - by_prompt.loc[3]
        assert found.loc[number, "forward_passes"] == pytest.approx(difference.mean())
    assert found.loc[3].tolist() == [0, 0, 0]
    row = found.loc[17]
    alone = mean_interval((by_prompt.loc[17] - by_prompt.loc[3]).to_numpy(), resample(5, 0))
    assert row.tolist() == pytest.approx([alone.value, alone.low, alone.high])
    with pytest.raises(SettingsError, match="no runs of setting number 99; valid: a number of its 28 settings"):
        result.against(99, "forward_passes")
    with pytest.raises(SettingsError, match="unknown metric 'beauty'"):
        result.against(3, "beauty")


def test_keys_of_many_runs_are_those_of_each() -> None:
    """The key is a hash of one JSON object, whoever writes it: folders of earlier sweeps must still be found."""
    plan = made_plan(compare="always", prompts=(Prompt('"q"', "a\\ é", "b"), Prompt("r", "c")))
    runs = list(plan.runs())
    whole = [
        content_key(
            {
                "method": 1,
                "model": MODEL,
                "decoder": run.setting.decoder,
                "settings": dict(run.setting.values),
                "options": dataclasses.asdict(run.options),
                "prompt": run.prompt.content(),
                "likelihood": run.likelihood,
                "batch": 3,
            }
        )
        for run in runs
    ]
    assert list(content_keys(iter(runs), MODEL, 3)) == whole
    assert [run.key(MODEL, 3) for run in runs] == whole
    assert len(set(whole)) == len(runs)


def test_where_takes_several_values_and_what_is_missing() -> None:
    result = made_result()
    assert set(result.where(threshold=[0.3, 0.45]).frame["threshold"]) == {0.3, 0.45}
    own = result.where(decoder="credit", alpha=[None, 2]).frame
    assert own["alpha"].isna().sum() == (own["alpha"] == 2).sum() == 60
    assert result.where(alpha=[]).frame.empty
    assert result.where(decoder="credit").axes == ["alpha", "threshold", "block_length"]
    assert result.where(decoder="vanilla", block_length=4).axes == ["steps"]

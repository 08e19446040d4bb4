"""Sweeps in this process: each run is what `decode` gives, nothing is lost, nothing runs twice."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from credit_viz.decoding.base import Decision, View
from credit_viz.decoding.clock import Moment
from credit_viz.decoding.threshold import Threshold
from credit_viz.errors import BackendError, PromptError, SettingsError
from credit_viz.lab import Arm, InlineCrew, Plan, Prompt, SweepResult, TaskPrompts, look_ahead, stream, sweep
from credit_viz.lab.columns import agreement
from credit_viz.lab.likelihood import log_likelihood
from credit_viz.lab.plan import Run
from credit_viz.lab.running import Progress
from credit_viz.lab.work import Worker
from credit_viz.models.loading import load_model
from credit_viz.run import decode
from credit_viz.tiny.tasks.story import StoryExample
from tests.lab.conftest import LabModel, small_plan


def comparable(result: SweepResult) -> pd.DataFrame:
    """The table without wall-clock times."""
    return result.frame.drop(columns="seconds")


def assert_equal(one: SweepResult, other: SweepResult) -> None:
    pd.testing.assert_frame_equal(comparable(one), comparable(other))


class Counting(InlineCrew):
    """Writes down which runs it did."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.did: list[str] = []

    def run(self, units: Any) -> Any:
        for unit, rows in super().run(units):
            self.did += [run.key({}, 1) for run in unit]
            yield unit, rows


def test_each_run_is_what_decode_gives(mock: Any) -> None:
    plan = small_plan(compare="always", arms=(Arm("wino"), Arm("credit", {"threshold": (0.5, 0.9)})))
    result = sweep(plan, workers=InlineCrew(mock))
    assert len(result.frame) == 2 * 3 * (1 + 1 + 2)
    prompts = {prompt.id: prompt.text for prompt in plan.all_prompts}
    for run, row in zip(plan.runs(), result.frame.to_dict("records"), strict=True):
        trace = decode(
            mock,
            prompts[row["prompt"]],
            decoder=row["decoder"],
            settings=run.setting.values,
            gen_length=row["gen_length"],
            block_length=row["block_length"],
        )
        assert row["forward_passes"] == trace.forward_passes
        assert row["text"] == trace.text
        assert row["mean_wait"] == trace.mean_wait
        assert row["redundant_guesses"] == trace.redundant_guesses
        assert row["content_tokens_per_forward"] == trace.content_tokens_per_forward
        assert row["tokens_per_forward"] == trace.tokens_per_forward
        assert row["taken_back"] == trace.taken_back
        written = sum(v for k, v in row.items() if str(k).startswith("written_"))
        assert written == trace.gen_length
        content = np.where(trace.content_mask, trace.token_ids, -1)
        np.testing.assert_array_equal(row["content_ids"], content)
        vanilla = decode(
            mock, prompts[row["prompt"]], decoder="vanilla", gen_length=8, block_length=row["block_length"]
        )
        share, same = agreement(content.tolist(), np.where(vanilla.content_mask, vanilla.token_ids, -1).tolist())
        assert (row["token_agreement"], row["text_agreement"]) == (share, same)
        assert row["log_likelihood"] == log_likelihood(mock, trace.info.prompt_ids, content.tolist())
        assert pd.isna(row["failed"])
        assert pd.isna(row["exact_match"])


def test_tasks_are_judged_by_their_checkers() -> None:
    torch.set_num_threads(1)
    model = load_model(device="cpu")
    plan = Plan((Arm("threshold", {"threshold": 0.99}),), tasks=TaskPrompts(("story", "json"), count=4))
    result = sweep(plan, workers=InlineCrew(model))
    assert result.quality == "exact_match"
    assert result.frame["token_agreement"].isna().all()
    assert result.frame["log_likelihood"].isna().all()
    prompts = {prompt.id: prompt for prompt in plan.all_prompts}
    for row in result.frame.to_dict("records"):
        assert row["exact_match"] == prompts[row["prompt"]].accepts(row["text"])
        assert row["task"] == prompts[row["prompt"]].task
    assert result.frame["exact_match"].sum() > 0


def test_answers_and_open_prompts_in_one_sweep(mock: Any) -> None:
    text = decode(mock, "b", decoder="margin", gen_length=8, block_length=8).text
    prompts = (Prompt("open", "a"), Prompt("right", "b", text), Prompt("wrong", "b", "no"))
    result = sweep(
        Plan((Arm("margin"),), prompts, options={"gen_length": 8, "block_length": 8}), workers=InlineCrew(mock)
    )
    told = result.frame[["prompt", "decoder", "exact_match"]].to_numpy(object, na_value=None).tolist()
    assert told == [
        ["open", "vanilla", None],
        ["open", "margin", None],
        ["right", "margin", 1],
        ["wrong", "margin", 0],
    ]
    assert result.frame["log_likelihood"].notna().tolist() == [True, True, False, False]


def test_progress_counts_and_estimates(mock: Any, tmp_path: Path) -> None:
    events = list(stream(small_plan(), tmp_path, InlineCrew(mock)))
    total = 2 * 3 * 7
    assert [event.done for event in events] == list(range(total + 1))
    assert {event.total for event in events} == {total}
    assert events[0].seconds_left is None
    assert events[-1].seconds_left == 0
    assert events[-1].passes == SweepResult.load(tmp_path).frame["forward_passes"].sum()
    assert Progress(5, 11, 0, 2, 6.0, 0).seconds_left == 12.0
    again = list(stream(small_plan(), tmp_path, InlineCrew(mock)))
    assert [(event.done, event.reused) for event in again] == [(total, total)]


@pytest.mark.parametrize("stop", [0, 1, 7, 41])
def test_a_closed_sweep_goes_on_where_it_was(mock: Any, tmp_path: Path, stop: int) -> None:
    first, second = Counting(mock), Counting(mock)
    events = stream(small_plan(), tmp_path, first)
    for _ in range(stop + 1):
        next(events)
    events.close()
    partial = SweepResult.load(tmp_path)
    assert (len(partial.frame), partial.missing) == (stop, 42 - stop)
    result = sweep(small_plan(), tmp_path, second)
    assert len(second.did) == 42 - stop
    assert len({*first.did[:stop], *second.did}) == 42
    assert result.missing == 0
    assert_equal(result, sweep(small_plan(), workers=InlineCrew(LabModel())))


def test_a_larger_plan_computes_only_what_is_new(mock: Any, tmp_path: Path) -> None:
    sweep(small_plan(prompts=("two",)), tmp_path, InlineCrew(mock))
    crew = Counting(mock)
    result = sweep(small_plan(), tmp_path, crew)
    assert len(crew.did) == 28
    assert_equal(result, sweep(small_plan(), workers=InlineCrew(mock)))
    with pytest.raises(SettingsError, match="holds another sweep"):
        sweep(small_plan(prompts=("two",)), tmp_path, InlineCrew(mock))


def test_a_checker_that_raises_costs_its_own_runs_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = True

    def accepts(self: StoryExample, _text: str) -> bool:
        if broken and self.prompt == first.text:
            raise ZeroDivisionError("in a checker\nof two lines")
        return True

    monkeypatch.setattr(StoryExample, "accepts", accepts)
    tasks = TaskPrompts(("story",), count=2)
    first, _ = tasks.draw()
    plan = Plan((Arm("margin"), Arm("threshold")), tasks=tasks, options={"gen_length": 8, "block_length": 8}, batch=2)
    crew = InlineCrew(LabModel(max_positions=400))
    result = sweep(plan, tmp_path, crew)
    assert result.frame["failed"].notna().tolist() == [True, True, False, False]
    assert set(result.failed["failed"]) == {"ZeroDivisionError: in a checker of two lines"}
    assert result.table()["failed"].tolist() == [1, 1]
    assert result.table()["prompts"].tolist() == [2, 2]
    assert result.table()["exact_match"].tolist() == [1.0, 1.0], "of the prompt that was judged"
    *_, last = stream(plan, tmp_path, crew)
    assert (last.failed, last.reused) == (2, 4), "failed runs are not tried again by themselves"
    broken = False
    mended = sweep(plan, tmp_path, crew, retry_failed=True)
    assert mended.frame["exact_match"].tolist() == [1, 1, 1, 1]
    assert len(mended.failed) == 0


def test_batches_share_passes_and_give_the_same(mock: Any) -> None:
    """The mock has no batch effects, so shared passes must change nothing at all."""
    plan = small_plan(arms=(*small_plan().arms, Arm("wino")))
    alone = sweep(plan, workers=InlineCrew(mock))
    calls, passes = mock.calls, alone.frame["forward_passes"].sum()
    assert calls < passes, "remembered"
    together = sweep(small_plan(arms=plan.arms, batch=4), workers=InlineCrew(mock))
    assert mock.calls - calls < passes
    pd.testing.assert_frame_equal(comparable(alone).drop(columns="key"), comparable(together).drop(columns="key"))


def test_a_decoder_that_writes_into_what_it_reads_spoils_nothing(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own run fails; the runs after it on this prompt are what they are without it."""
    plan = small_plan(arms=(Arm("threshold", {"threshold": (0.5, 0.6, 0.9)}), Arm("margin")), compare="never")
    alone = sweep(plan, workers=InlineCrew(mock))
    step = Threshold.step

    def scribble(self: Threshold, view: View, state: Any, rng: torch.Generator) -> Decision:
        if self.settings.threshold == 0.6:
            view.predictions.logits.mul_(2)
        return step(self, view, state, rng)

    monkeypatch.setattr(Threshold, "step", scribble)
    result = sweep(plan, workers=InlineCrew(LabModel()))
    assert set(result.failed["setting"]) == {"threshold threshold=0.6"}
    assert result.failed["failed"].str.startswith("RuntimeError: Inplace update").all()
    others = alone.frame["setting"] != "threshold threshold=0.6"
    pd.testing.assert_frame_equal(comparable(result)[others], comparable(alone)[others])


def test_seconds_count_what_was_remembered(mock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that ticks at each look. A step: one tick of the decoder, three of a pass that is computed."""
    ticks = itertools.count()
    monkeypatch.setattr(Moment, "now", lambda _: Moment(float(next(ticks)), None))
    plan = small_plan(arms=(Arm("vanilla"),), prompts=("one",), options={"gen_length": 8, "block_length": 8})
    worker = Worker(mock, plan)
    (run,) = plan.runs()
    assert [row["seconds"] for row in worker.run([run])] == [8 * (1 + 3)]
    # a recalled pass: one tick to look it up, and the one that it took when it was computed
    assert [row["seconds"] for row in worker.run([run])] == [8 * (1 + 1 + 1)]
    assert (worker.memory.computed, worker.memory.recalled) == (8, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"options": {"gen_length": 60, "block_length": 60}},
            "prompt '3' has 5 tokens, which with gen_length=60 exceeds",
        ),
        ({"prompts": ("fine", "  ")}, None),
        (
            {"arms": (Arm("vanilla", {"steps": (8, 64)}),)},
            "vanilla steps=64 with gen_length=8, block_length=8: steps=64",
        ),
        (
            {"options": {"gen_length": 8, "block_length": 8, "cache": "dual"}},
            "unknown cache mode for this model 'dual'",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused_before_anything_runs(
    mock: Any, tmp_path: Path, changes: dict[str, Any], message: str | None
) -> None:
    if message is None:
        mock.encode = refuse_blank
        message = "prompt '2': empty"
    plan = small_plan(**{"options": {"gen_length": 8, "block_length": 8}, **changes})
    with pytest.raises((SettingsError, PromptError), match=message):
        sweep(plan, tmp_path, InlineCrew(mock))
    assert mock.calls == 0
    assert not (tmp_path / "manifest.json").exists()


def refuse_blank(prompt: str) -> list[int]:
    if not prompt.strip():
        raise PromptError("empty")
    return [1]


def test_blocks_that_depend_on_the_prompt_are_checked_for_each_cut() -> None:
    plan = small_plan(options={"gen_length": 8, "block_length": 4}, arms=(Arm("vanilla", {"steps": 2}),))
    with pytest.raises(SettingsError, match="steps=2 does not fit 8 positions in 3 blocks"):
        Worker(LabModel(block_length=4), plan).check()  # type: ignore[arg-type]


def test_too_many_runs(mock: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="this sweep has up to 42 runs; valid: up to 41"):
        sweep(small_plan(), tmp_path, InlineCrew(mock), max_runs=41)
    assert list(tmp_path.iterdir()) == []


def test_two_sweeps_of_one_folder(mock: Any, tmp_path: Path) -> None:
    events = stream(small_plan(), tmp_path, InlineCrew(mock))
    next(events)
    with pytest.raises(BackendError, match="another sweep works on"):
        sweep(small_plan(), tmp_path, InlineCrew(mock))
    events.close()
    assert sweep(small_plan(), tmp_path, InlineCrew(mock)).missing == 0


def test_looking_ahead_writes_nothing(mock: Any, tmp_path: Path) -> None:
    there = tmp_path / "there"
    assert look_ahead(small_plan(), None, InlineCrew(mock)) == (42, 42, 42 * 9)
    assert look_ahead(small_plan(), there, InlineCrew(mock)).missing == 42
    assert not there.exists()
    sweep(small_plan(prompts=("one",)), there, InlineCrew(mock))
    assert look_ahead(small_plan(), there, InlineCrew(mock)) == (42, 28, 28 * 9)
    with pytest.raises(SettingsError, match="valid: up to 3"):
        look_ahead(small_plan(), None, InlineCrew(mock), max_runs=3)


def test_likelihood_against_a_restatement() -> None:
    """Every other text token masked, in float64, one canvas at a time."""
    model = LabModel(5)
    content = [3, -1, 4, 5, -1, 6]
    text = [0, 2, 3, 5]
    filled = [3, 1, 4, 5, 1, 6]
    total = 0.0
    for half in (text[::2], text[1::2]):
        canvas = [7, 7] + [model.mask_id if i in half else t for i, t in enumerate(filled)]
        log_p = model.token_logits(torch.tensor([canvas])).double().log_softmax(-1)[0, 2:]
        total += sum(float(log_p[i, content[i]]) for i in half)
    found = log_likelihood(model, [7, 7], content)  # type: ignore[arg-type]
    assert found == pytest.approx(total / 4, rel=1e-5)
    assert log_likelihood(model, [7], [-1, -1]) is None  # type: ignore[arg-type]
    model.mask_id = -1
    assert log_likelihood(model, [7], content) is None  # type: ignore[arg-type]


def test_the_likelihood_costs_one_call(mock: Any) -> None:
    run: Run = next(small_plan(compare="always").runs())
    worker = Worker(mock, small_plan(compare="always"))
    (row,) = worker.run([run])
    assert mock.calls == row["forward_passes"] + 1
    assert mock.canvases[-1].shape[0] == 2

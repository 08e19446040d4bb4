"""`decode` and `Race`: from a prompt to a finished trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import credit_viz
from credit_viz.decoding import make_decoder
from credit_viz.decoding.options import RunOptions
from credit_viz.errors import PromptError, SettingsError
from credit_viz.models.base import DiffusionLM
from credit_viz.run import Race
from credit_viz.trace.record import Trace
from tests.support import MockModel

SMALL: dict[str, Any] = {"gen_length": 8, "block_length": 4}


def decode(model: MockModel, *args: Any, **options: Any) -> Trace:
    return credit_viz.decode(model, *args, **{**SMALL, **options})  # type: ignore[arg-type]


def test_the_public_way_works_on_a_real_checkpoint(peaky: DiffusionLM, tmp_path: Path) -> None:
    trace = credit_viz.decode(
        peaky,
        prompt="Tell me a story",
        decoder="credit",
        settings={"alpha": 0.7, "beta": 0.8, "gamma": 0.2, "threshold": 0.9},
        gen_length=16,
        block_length=8,
    )
    assert trace.token_ids.shape == trace.commit_step.shape == trace.converge_step.shape == (16,)
    for steps in (trace.commit_step, trace.converge_step):
        assert np.issubdtype(steps.dtype, np.integer)
        assert steps.min() >= 1
        assert steps.max() <= trace.forward_passes
    assert trace.complete
    assert (trace.token_ids < peaky.token_limit).all()
    assert isinstance(trace.text, str)
    trace.save(tmp_path / "run.safetensors")
    assert credit_viz.load_trace(tmp_path / "run.safetensors").same_run(trace)


def test_a_trace_says_how_it_was_made() -> None:
    info = decode(MockModel(), "hi", decoder="credit", preset="paper", settings={"alpha": 1}, seed=7).info
    assert (info.model, info.decoder, info.prompt, info.seed) == ("mock", "credit", "hi", 7)
    assert info.settings == {"alpha": 1.0, "beta": 0.7, "gamma": 0.2, "threshold": 0.95, "temperature": 0.0}
    assert info.prompt_ids == tuple(MockModel().encode("hi"))
    assert (info.gen_length, info.block_length, info.record, info.top_k, info.early_stop) == (8, 4, "all", 5, False)
    assert (info.mask_id, info.eos_ids, info.vocab_size, info.lanes, info.cache) == (12, (1,), 13, 1, "none")
    assert {"torch", "transformers", "numpy"} <= set(info.versions)


def test_every_id_in_a_trace_has_a_text() -> None:
    trace = decode(MockModel(), "hi")
    shown = {*trace.info.prompt_ids, 12, 1}
    for array in (trace.candidate_ids, trace.winner_ids, trace.event_ids):
        shown |= set(array.ravel().tolist())
    assert set(trace.info.token_text) == shown
    assert all(trace.info.token_text[i] == f"t{i} " for i in shown)


def test_the_text_is_what_was_written_in_order() -> None:
    trace = decode(MockModel(), "hi")
    assert trace.text == "".join(f"t{i} " for i in trace.token_ids)


def test_prompt_ids_are_used_as_they_are() -> None:
    model = MockModel()
    trace = decode(model, prompt_ids=np.array([4, 5, 6]))
    assert trace.info.prompt_ids == (4, 5, 6)
    assert trace.info.prompt is None
    assert model.canvases[0][0, :3].tolist() == [4, 5, 6]


def test_exactly_one_prompt() -> None:
    with pytest.raises(PromptError, match="both"):
        decode(MockModel(), "hi", prompt_ids=[1])
    with pytest.raises(PromptError, match="neither"):
        decode(MockModel())


@pytest.mark.parametrize("ids", [[], [-1], [13], [10**20]])
def test_bad_prompt_ids_are_refused(ids: list[int]) -> None:
    model = MockModel()
    with pytest.raises(PromptError):
        decode(model, prompt_ids=ids)
    assert model.calls == 0


@pytest.mark.parametrize("ids", [["x"], [None], [1.5], "12", [[1, 2]], iter([1.5])])
def test_prompt_ids_that_are_no_whole_numbers_are_refused(ids: Any) -> None:
    with pytest.raises(PromptError):
        decode(MockModel(), prompt_ids=ids)


@pytest.mark.parametrize(
    "bad",
    [
        {"decoder": "greedy"},
        {"preset": "mine"},
        {"settings": {"tau": 1}},
        {"record": "some"},
        {"block_length": 3},
        {"top_k": 0},
        {"early_stop": "no"},
        {"early_stop": None},
        {"early_stop": 1},
    ],
)
def test_bad_options_are_refused_before_any_forward(bad: dict[str, Any]) -> None:
    model = MockModel()
    with pytest.raises(SettingsError, match=r"valid|positive"):
        decode(model, "hi", **bad)
    assert model.calls == 0


def test_a_truth_value_of_numpy_can_be_saved(tmp_path: Path) -> None:
    trace = decode(MockModel(), "hi", early_stop=np.bool_(True))
    trace.save(tmp_path / "run.safetensors")
    assert credit_viz.load_trace(tmp_path / "run.safetensors").info.early_stop is True


def test_ids_that_can_be_read_only_once() -> None:
    trace = decode(MockModel(), prompt_ids=iter([2, 3]))
    assert trace.info.prompt_ids == (2, 3)


@pytest.mark.parametrize("prompt", [5, ["hi"], b"hi"])
def test_a_prompt_that_is_no_text_is_refused(prompt: Any) -> None:
    with pytest.raises(PromptError, match="valid: text"):
        decode(MockModel(), prompt)


@pytest.mark.parametrize("fixed", [{0: 1.5}, {0: None}, {"0": 1}, {0: True}, {True: 1}, {0.0: 1}])
def test_fixed_tokens_that_are_no_whole_numbers_are_refused(fixed: Any) -> None:
    with pytest.raises(PromptError, match="valid: whole numbers"):
        decode(MockModel(), "hi", fixed=fixed)


def test_a_cancelled_race_leaves_traces_of_what_was_done() -> None:
    model = MockModel()
    decoders = [make_decoder("vanilla"), make_decoder("credit", {"threshold": 1.5})]
    race = Race.start(model, decoders, RunOptions(8, 4), prompt="hi")  # type: ignore[arg-type]
    steps = race.steps()
    for _ in range(5):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    one, two = race.traces()
    assert (one.forward_passes, two.forward_passes) == (3, 2)
    assert not one.complete
    assert not race.finished(0)
    assert (one.commit_step > 0).sum() == 3
    assert one.text.count("t") == 3
    assert (one.token_ids == 12).sum() == 5


def test_a_race_that_never_ran_has_empty_traces() -> None:
    race = Race.start(MockModel(), [make_decoder("credit")], RunOptions(8, 4), prompt="hi")  # type: ignore[arg-type]
    assert race.trace(0).forward_passes == 0
    assert race.trace(0).text == ""


def test_batched_lanes_say_so() -> None:
    decoders = [make_decoder("vanilla"), make_decoder("credit")]
    race = Race.start(MockModel(), decoders, RunOptions(8, 4), prompt="hi", batched=True)  # type: ignore[arg-type]
    assert [info.lanes for info in race.infos] == [2, 2]


def test_batched_equals_alone_on_a_real_checkpoint(peaky: DiffusionLM) -> None:
    decoders = [make_decoder("threshold", {"threshold": 0.6}), make_decoder("credit")]
    race = Race.start(peaky, decoders, RunOptions(16, 16), prompt="abc", batched=True)
    for _ in race.steps():
        pass
    for decoder, together in zip(decoders, race.traces(), strict=True):
        alone = credit_viz.decode(
            peaky, "abc", decoder=decoder.name, settings=decoder.settings.to_dict(), gen_length=16, block_length=16
        )
        np.testing.assert_array_equal(together.token_ids, alone.token_ids)
        np.testing.assert_array_equal(together.commit_step, alone.commit_step)


def test_a_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    import credit_viz.run as module

    monkeypatch.setattr(module, "_VERSIONED", ("no-such-package-anywhere", "numpy"))
    assert set(decode(MockModel(), "hi").info.versions) == {"numpy"}


def test_early_stop_shortens_the_run() -> None:
    model = MockModel(favour={1: 99.0})
    assert decode(model, "hi", decoder="vanilla", early_stop=True).forward_passes < 8
    assert decode(model, "hi", decoder="vanilla").forward_passes == 8


def test_changes_by_hand_belong_to_their_lane_also_in_a_shared_pass() -> None:
    size: dict[str, Any] = {"gen_length": 8, "block_length": 8}
    change = credit_viz.Intervention(2, 7, 3)
    alone = decode(MockModel(), "hi", decoder="vanilla", interventions=[change], **size)
    assert alone.info.interventions == (change,)
    assert (alone.info.token_text[3], alone.token_ids[7]) == ("t3 ", 3)
    decoders = [make_decoder("vanilla")] * 3
    changes = [[], [change]]  # the last lane has none either
    race = Race.start(
        MockModel(),  # type: ignore[arg-type]
        decoders,
        RunOptions(**size),
        "hi",
        batched=True,
        interventions=changes,
    )
    for _ in race.steps():
        pass
    first, second, third = race.traces()
    assert first.info.interventions == third.info.interventions == ()
    np.testing.assert_array_equal(first.event_ids, third.event_ids)
    np.testing.assert_array_equal(second.event_ids, alone.event_ids)


def test_a_race_whose_change_came_too_late_has_all_its_traces() -> None:
    lanes = [make_decoder("vanilla"), make_decoder("vanilla")]
    late = [[credit_viz.Intervention(50, 0, 3)]]
    race = Race.start(MockModel(), lanes, RunOptions(8, 8), "hi", interventions=late)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"the run was finished after 8 steps; valid: steps 1\.\.8"):
        list(race.steps())
    assert [trace.complete for trace in race.traces()] == [True, True]
    assert [race.finished(lane) for lane in (0, 1)] == [False, True]

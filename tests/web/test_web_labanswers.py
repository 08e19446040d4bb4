"""What the Lab's page asks about a sweep: by value, filtered, bounded, with bad questions named."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_viz import lab
from credit_viz.errors import CreditVizError, SettingsError
from credit_viz.figures.sweeps import SWEEP_FIGURES
from credit_viz.lab.plan import Plan
from credit_viz.web.labanswers import LabAnswers
from credit_viz.web.questions import Questions
from credit_viz.web.request import parse_choice
from credit_viz.web.runs import RunStore
from tests.lab.made import made_plan, made_result
from tests.web.sweeps import Sweeps

WHOLE = made_result(made_plan(compare="always"), fail=0.02)


@pytest.fixture
def answers() -> LabAnswers:
    return LabAnswers(Sweeps(whole=WHOLE))


def numbers_of(figure: dict[str, Any]) -> set[int]:
    def walk(data: Any) -> set[int]:
        if isinstance(data, list):
            return set().union(*map(walk, data))
        return set() if data is None else {data}

    return set().union(*(walk(trace.get("customdata", [])) for trace in figure["data"]))


def test_the_table_has_every_setting_at_its_number(answers: LabAnswers) -> None:
    table = answers.lab_table({"sweep": "whole", "filters": {"columns": {}, "rows": None}})
    assert json.loads(json.dumps(table, allow_nan=False)) == table, "plain JSON"
    assert table["rows"] == 30
    assert table["columns"]["number"] == list(range(30))
    assert table["version"] == len(WHOLE.frame) == 300
    assert all(len(column) == 30 for column in (*table["columns"].values(), table["unbeaten"]))
    assert table["knobs"] == ["steps", "alpha", "threshold", "block_length"]
    assert table["quality"] == "exact_match"
    told = {about["name"]: about for about in table["metrics"]}
    assert told["forward_passes"] == {
        "name": "forward_passes",
        "title": "forward passes",
        "better": "less",
        "unit": "passes",
    }
    assert told["exact_match"]["unit"] == "share"
    expected = WHOLE.table(["number"], ["mean_wait"]).sort_values("number")
    for end in ("", "_low", "_high"):
        assert table["columns"][f"mean_wait{end}"] == pytest.approx(expected[f"mean_wait{end}"].tolist(), rel=1e-5)
    assert table["filterable"] == {
        "decoder": ["credit", "threshold", "vanilla"],
        "steps": [None, 4, 8],
        "alpha": [None, 0.7, 2.0],
        "threshold": [None, 0.3, 0.45, 0.6, 0.9],
        "block_length": [4, 8],
    }
    assert table["command"].startswith("credit-viz sweep --arm")
    assert table["facts"]["Model"] == "made up"


def test_filters_keep_numbers_and_aggregate_anew(answers: LabAnswers) -> None:
    filters = {"columns": {"decoder": ["credit"], "alpha": [None, 2]}, "rows": [4, 5, 6, 8, 9]}
    table = answers.lab_table({"sweep": "whole", "filters": filters})
    names = dict(zip(table["columns"]["number"], table["columns"]["setting"], strict=True))
    whole = answers.lab_table({"sweep": "whole"})["columns"]["setting"]
    assert names == {number: whole[number] for number in names}
    assert set(names) == {n for n in (4, 5, 6, 8, 9) if whole[n].startswith("credit") and "alpha=0.7" not in whole[n]}
    assert answers.lab_table({"sweep": "whole"})["filterable"] == table["filterable"], "what can be kept stays"
    for figure in ("front", "parallel"):
        answer = answers.lab_figure({"sweep": "whole", "figure": figure, "filters": filters, "theme": "dark"})
        assert numbers_of(answer) == set(names)
    only = {"columns": {"block_length": [8]}, "rows": None}
    assert {"block_length"} & set(answers.lab_figure(figure_of("heatmap", filters=only))["choices"]["x"]) == set()


def figure_of(name: str, **asked: Any) -> dict[str, Any]:
    return {"sweep": "whole", "figure": name, "options": {}, "filters": None, "theme": "light", **asked}


@pytest.mark.parametrize("name", SWEEP_FIGURES)
def test_every_figure_answers_as_plotly_takes_it(name: str, answers: LabAnswers) -> None:
    answer = answers.lab_figure(figure_of(name))
    assert set(answer) == {"data", "layout", "options", "choices"}
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["data"]
    assert answer["options"].keys() == answer["choices"].keys() <= SWEEP_FIGURES[name].options.keys()
    assert all(answer["options"][option] in valid for option, valid in answer["choices"].items())
    assert answers.lab_figure(figure_of(name, options=answer["options"])) == answer
    dark = answers.lab_figure(figure_of(name, theme="dark"))
    assert dark["layout"] != answer["layout"]
    assert numbers_of(dark) == numbers_of(answer)


def test_what_cannot_be_drawn_falls_back_and_is_said(answers: LabAnswers) -> None:
    wished = {"decoder": "vanilla", "x": "alpha", "metric": "nonsense"}
    options = answers.lab_figure(figure_of("heatmap", options=wished))["options"]
    assert options == {"decoder": "vanilla", "metric": "forward_passes", "x": "steps", "y": "block_length"}
    one = {"columns": {"decoder": ["vanilla"], "block_length": [4]}, "rows": None}
    with pytest.raises(SettingsError, match="1 knob varies for this decoder; valid: a sweep of two or more"):
        answers.lab_figure(figure_of("heatmap", filters=one))


def test_runs_come_worst_first(answers: LabAnswers) -> None:
    whole = WHOLE.frame
    runs = answers.lab_runs({"sweep": "whole", "rows": [7, 3]})["runs"]
    assert len(runs) == 20
    assert {run["row"] for run in runs} == {3, 7}
    keys = [(run["failed"] is not None, run["exact_match"] or 0, -(run["passes"] or 0)) for run in runs]
    assert keys == sorted(keys)
    for run in runs:
        own = whole[
            (whole["number"] == run["row"]) & (whole["prompt"] == run["prompt"]) & (whole["seed"] == run["seed"])
        ]
        assert len(own) == 1
        assert run["text"] == f"text {run['prompt'][1:]}"
        if run["failed"] is None:
            assert own["forward_passes"].item() == run["passes"]
    kept = {"columns": {}, "rows": [3]}
    assert {run["row"] for run in answers.lab_runs({"sweep": "whole", "rows": [7, 3], "filters": kept})["runs"]} == {3}


def test_runs_with_and_without_a_right_answer_are_listed_together() -> None:
    prompts = (lab.Prompt("judged", "a question", "right"), lab.Prompt("own", "a beginning"))
    answers = LabAnswers(Sweeps(mixed=made_result(made_plan(prompts=prompts, compare="always"))))
    runs = answers.lab_runs({"sweep": "mixed", "rows": [3, 4, 5]})["runs"]
    quality = [run["token_agreement"] if run["exact_match"] is None else run["exact_match"] for run in runs]
    assert {run["exact_match"] is None for run in runs} == {False, True}
    assert quality == sorted(quality)


def test_a_value_with_many_digits_can_be_kept() -> None:
    thirds = (lab.Arm("credit", {"alpha": lab.Span(0.0, 2.0, 7)}),)
    answers = LabAnswers(Sweeps(thirds=made_result(made_plan(arms=thirds))))
    valid = json.loads(json.dumps(answers.lab_table({"sweep": "thirds"})["filterable"]["alpha"]))
    kept = [{"columns": {"alpha": [value]}, "rows": None} for value in valid]
    found = [answers.lab_table({"sweep": "thirds", "filters": filters})["columns"]["number"] for filters in kept]
    assert len(valid) == 7
    assert sorted(number for numbers in found for number in numbers) == list(range(14)), "at two block lengths"


def test_long_lists_say_what_they_leave_off(answers: LabAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credit_viz.web.labanswers._MOST_RUNS", 5)
    found = answers.lab_runs({"sweep": "whole", "rows": [7, 3]})
    assert (len(found["runs"]), found["left_off"]) == (5, 15)


def test_a_choice_makes_the_very_run_of_the_sweep(answers: LabAnswers) -> None:
    plan = WHOLE.plan
    for run in answers.lab_runs({"sweep": "whole", "rows": [6, 20]})["runs"]:
        asked = {"sweep": "whole", "row": run["row"], "prompt": run["prompt"], "seed": run["seed"]}
        told = answers.lab_choice(asked)
        choice = parse_choice(json.dumps(told["choice"]))
        vanilla, lane = choice.lanes
        assert (vanilla.decoder, dict(vanilla.settings)) == ("vanilla", dict(plan.reference.values))
        (own,) = [made for made in plan.runs() if made.key(WHOLE.manifest["model"], 1) == key_of(run)]
        assert (lane.decoder, dict(lane.settings)) == (own.setting.decoder, dict(own.setting.values))
        options = {
            name: getattr(own.options, name) for name in ("gen_length", "block_length", "seed", "early_stop", "cache")
        }
        assert {name: getattr(choice, name) for name in options} == options
        assert told["prompt"] == own.prompt.text == run["text"]
        assert told["passes"][1] == run["passes"]
        beside = WHOLE.where(decoder="vanilla", steps=None, prompt=run["prompt"], seed=run["seed"])
        beside = beside.where(block_length=own.options.block_length).frame
        assert told["passes"][0] == (None if beside["failed"].notna().any() else beside["forward_passes"].item())
        assert ("failed" in told["note"]) == (run["failed"] is not None)


def key_of(run: dict[str, Any]) -> str:
    frame = WHOLE.frame
    own = frame[(frame["number"] == run["row"]) & (frame["prompt"] == run["prompt"]) & (frame["seed"] == run["seed"])]
    return str(own["key"].item())


def test_the_reference_stands_alone(answers: LabAnswers) -> None:
    told = answers.lab_choice({"sweep": "whole", "row": 0, "prompt": "p0"})
    assert [lane["decoder"] for lane in told["choice"]["lanes"]] == ["vanilla"]
    assert len(told["passes"]) == 1
    assert told["name"] == "vanilla, block length 4" or told["name"].startswith("vanilla steps=unset")


@pytest.mark.parametrize(
    ("question", "asked", "message"),
    [
        ("lab_table", {"filters": []}, r"filters \[\]; valid: an object"),
        ("lab_table", {"filters": {"columns": {"text": ["a"]}}}, "unknown column to filter by 'text'; valid: alpha"),
        ("lab_table", {"filters": {"columns": {"alpha": 2}}}, "alpha is kept at 2; valid: a list"),
        ("lab_table", {"filters": {"columns": {"alpha": [[2]]}}}, "no run is left"),
        ("lab_table", {"filters": {"columns": {"alpha": [17]}}}, "no run is left"),
        ("lab_table", {"filters": {"rows": [99]}}, r"settings \[99\]; valid: a list of numbers"),
        ("lab_table", {"filters": {"rows": [True]}}, "valid: a list of numbers"),
        ("lab_table", {"filters": {"rows": "12"}}, "valid: a list of numbers"),
        ("lab_figure", {"figure": "heat"}, "unknown figure 'heat'; valid: contour"),
        ("lab_figure", {"figure": ["heat"]}, r"figure \['heat'\]; valid: a text"),
        ("lab_figure", {"figure": "front", "theme": "pink"}, "unknown theme 'pink'; valid: dark, light"),
        ("lab_figure", {"figure": "front", "options": 3}, "options 3; valid: an object"),
        ("lab_runs", {"rows": 3}, "settings 3; valid: a list"),
        ("lab_choice", {"row": 3, "prompt": "p9"}, "setting 3 has no run on prompt 'p9' yet"),
        ("lab_choice", {"row": -1, "prompt": "p0"}, r"settings \[-1\]"),
    ],
)
def test_bad_questions_are_named(question: str, asked: dict[str, Any], message: str, answers: LabAnswers) -> None:
    with pytest.raises(SettingsError, match=message):
        getattr(answers, question)({"sweep": "whole", **asked})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
RIGHT = {
    "lab_table": {"filters": {"columns": {"alpha": [2.0]}, "rows": [4]}},
    "lab_figure": {"figure": "heatmap", "theme": "dark", "filters": {"rows": [3, 4]}, "options": {"x": "alpha"}},
    "lab_runs": {"rows": [3], "filters": {"columns": {}}},
    "lab_choice": {"row": 3, "prompt": "p0", "seed": 0},
}
PYTHON = re.compile(r"Error|object is not|NoneType|unhashable|attribute|argument|'(str|int|list|dict|float|bool)'")


@settings(max_examples=200, deadline=None)
@given(question=st.sampled_from([*RIGHT]), data=st.data())
def test_whatever_a_page_asks_is_answered_in_words(question: str, data: st.DataObject) -> None:
    asks = {each.__name__: each for each in Questions(RunStore(), lambda _: (), Sweeps(whole=WHOLE)).functions()}
    asked: dict[str, Any] = json.loads(json.dumps({"sweep": "whole", **RIGHT[question]}))
    place = asked
    while isinstance(place.get(name := data.draw(st.sampled_from([*place]))), dict) and data.draw(st.booleans()):
        if not place[name]:
            break
        place = place[name]
    place[name] = data.draw(anything)
    told = asks[question](asked)
    assert isinstance(told, dict)
    assert not PYTHON.search(told.get("error", ""))
    assert len(told.get("error", "")) < 600


def test_what_is_missing_is_named() -> None:
    asks = {each.__name__: each for each in Questions(RunStore(), lambda _: (), Sweeps(whole=WHOLE)).functions()}
    assert asks["lab_table"]({}) == {"error": "sweep None; valid: a text"}
    assert asks["lab_runs"]({"sweep": "whole"})["error"].startswith("settings None; valid: a list of numbers")
    assert asks["packets"]({"from": 0}) == {"error": "run None; valid: a text"}


def test_answers_are_kept_until_runs_come(monkeypatch: pytest.MonkeyPatch) -> None:
    part = made_result(made_plan(), runs=100)
    sweeps = Sweeps(growing=part)
    answers = LabAnswers(sweeps)
    counts = {"sweep": "growing", "filters": {"columns": {"decoder": ["credit"]}, "rows": None}}
    first = answers.lab_table(counts)
    assert answers.lab_table(counts) is first
    front = {"sweep": "growing", "figure": "front", "theme": "light"}
    drawn = answers.lab_figure(front)
    monkeypatch.setattr("credit_viz.web.labanswers.draw_info", None)
    assert answers.lab_figure(front) == drawn, "not drawn again"
    monkeypatch.undo()
    sweeps.results["growing"] = made_result(made_plan())
    more = answers.lab_table(counts)
    assert (first["version"], more["version"]) == (100, 280)
    assert set(first["columns"]["number"]) <= set(more["columns"]["number"])
    assert answers.lab_figure(front) != drawn


def test_answers_are_made_anew_when_failed_runs_were_tried_again() -> None:
    sweeps = Sweeps(tried=made_result(made_plan(), fail=0.3))
    answers = LabAnswers(sweeps)
    before = answers.lab_table({"sweep": "tried"})
    sweeps.results["tried"] = made_result(made_plan())
    after = answers.lab_table({"sweep": "tried"})
    assert before["version"] == after["version"]
    assert (sum(before["columns"]["failed"]) > 0, sum(after["columns"]["failed"])) == (True, 0)


def test_answers_are_made_anew_when_another_sweep_of_the_same_size_takes_its_place() -> None:
    sweeps = Sweeps(replaced=made_result(made_plan(), seed=1))
    answers = LabAnswers(sweeps)
    before = answers.lab_table({"sweep": "replaced"})
    sweeps.results["replaced"] = made_result(made_plan(), seed=2)
    after = answers.lab_table({"sweep": "replaced"})
    assert before["version"] == after["version"]
    assert before["columns"]["forward_passes"] != after["columns"]["forward_passes"]


def test_a_sweep_that_has_nothing_yet() -> None:
    empty = LabAnswers(Sweeps(empty=nothing(made_plan())))
    table = empty.lab_table({"sweep": "empty"})
    assert (table["rows"], table["version"], table["lead"]) == (0, 0, "No run has a result yet.")
    with pytest.raises(CreditVizError, match="no runs yet"):
        empty.lab_figure({"sweep": "empty", "figure": "front"})


def nothing(plan: Plan) -> lab.SweepResult:
    whole = made_result(plan)
    return dataclasses.replace(whole, frame=whole.frame.iloc[:0])

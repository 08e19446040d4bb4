"""Runs taken away and traces brought in, over ASGI: what comes out is the run, what goes in is checked."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pytest
from starlette.responses import PlainTextResponse

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest, RunStarted, StepTaken
from credit_viz.errors import TraceError
from credit_viz.figures import all_figures
from credit_viz.trace.codec import decode_columns
from credit_viz.trace.files import read_trace, to_frame, trace_bytes
from credit_viz.trace.record import Trace
from credit_viz.web import opening
from credit_viz.web.downloads import FILES, Downloads, lane_file
from credit_viz.web.names import lane_names
from credit_viz.web.opening import Uploads, as_run
from credit_viz.web.runs import KeptRun, RunStore
from tests.support import trace_of
from tests.web.fake import FakeBackend

REQUEST = RunRequest("kite", (LaneRequest("vanilla"), LaneRequest("credit")), gen_length=16, block_length=16)


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(app: Any, path: str, method: str = "GET", chunks: tuple[bytes, ...] = (b"",), **headers: str) -> Answer:
    """One request; the query follows "?" in the path."""
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        if not waiting:
            return {"type": "http.disconnect"}
        body = waiting.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    place, _, query = path.partition("?")
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": place, "query_string": query.encode(), "headers": named}
    asyncio.run(app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


def kept_run(cancelled_after: int = 0) -> KeptRun:
    """A fake run as the server keeps it; with a number, stopped after so many steps of each lane."""
    events = FakeBackend().stream(REQUEST)
    started = next(events)
    assert isinstance(started, RunStarted)
    kept = KeptRun("the-run", "visitor", REQUEST, started.lanes)
    for event in events:
        if isinstance(event, StepTaken) and not (cancelled_after and event.record.step > cancelled_after):
            kept.add(event.lane, event.record, event.tokens)
        elif isinstance(event, LaneFinished) and not cancelled_after:
            kept.finish(event.lane, event.trace)
    return kept


@pytest.fixture(params=[0, 3], ids=["finished", "cancelled"])
def kept(request: pytest.FixtureRequest) -> KeptRun:
    return kept_run(request.param)


@pytest.fixture
def app(kept: KeptRun) -> Downloads:
    store = RunStore()
    store.keep(kept)
    return Downloads(PlainTextResponse("gradio"), store)


def get(app: Any, name: str) -> Answer:
    answer = ask(app, f"/credit-viz/run/the-run/{name}")
    assert answer.status == 200, answer.body
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = re.fullmatch(r'attachment; filename="(credit-viz-[a-z0-9.-]+)"', answer.headers["content-disposition"])
    assert found
    assert int(answer.headers["content-length"]) == len(answer.body)
    return answer


def test_a_trace_file_per_lane_is_the_lane(app: Downloads, kept: KeptRun) -> None:
    for lane, trace in enumerate(kept.traces()):
        answer = get(app, f"lane-{lane + 1}.safetensors")
        assert trace.info.decoder in answer.headers["content-disposition"]
        assert read_trace(answer.body).same_run(trace)


def test_all_lanes_as_one_archive(app: Downloads, kept: KeptRun) -> None:
    with zipfile.ZipFile(io.BytesIO(get(app, "traces.zip").body)) as archive:
        assert archive.namelist() == ["lane-1-vanilla.safetensors", "lane-2-credit.safetensors"]
        for name, trace in zip(archive.namelist(), kept.traces(), strict=True):
            assert read_trace(archive.read(name)).same_run(trace)


def test_tables_hold_every_guess_of_every_lane(app: Downloads, kept: KeptRun) -> None:
    by_csv = pd.read_csv(io.BytesIO(get(app, "guesses.csv").body), keep_default_na=False, na_values=[""])
    by_parquet = pd.read_parquet(io.BytesIO(get(app, "guesses.parquet").body))
    assert list(by_csv) == list(by_parquet)
    for table in (by_csv, by_parquet):
        assert table.groupby("lane", sort=False)["decoder"].first().to_dict() == {1: "vanilla", 2: "credit"}
        for lane, trace in enumerate(kept.traces(), 1):
            rows, expected = table[table["lane"] == lane], to_frame(trace)
            for name in ("step", "position", "top_id", "confidence", "fused", "bar"):
                np.testing.assert_allclose(rows[name], expected[name], rtol=1e-6)
    pd.testing.assert_series_equal(
        by_parquet["top_token"], pd.concat([to_frame(t)["top_token"] for t in kept.traces()], ignore_index=True)
    )


def test_the_page_that_works_offline_holds_the_run(app: Downloads) -> None:
    answer = get(app, "run.html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.body.startswith(b"<!doctype html>")
    assert b"Content-Security-Policy" in answer.body


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_as_plotly_takes_it(app: Downloads, kept: KeptRun, theme: str) -> None:
    for name, figure in all_figures().items():
        answer = ask(app, f"/credit-viz/run/the-run/figure-{name}.json?theme={theme}")
        assert answer.status == 200, answer.body
        drawn = json.loads(gzip.decompress(answer.body))
        assert len(drawn) == (len(kept.traces()) if figure.per_run else 1)
        assert all(set(one) >= {"data", "layout"} for one in drawn)


def test_content_types_say_what_a_file_is(app: Downloads) -> None:
    for name, file in FILES.items():
        assert get(app, name).headers["content-type"] == file.content_type
    assert get(app, "lane-1.safetensors").headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("other/traces.zip", "the server no longer keeps this run"),
        ("the-run/nothing", "unknown file of a run 'nothing'"),
        ("the-run/../../secret", "unknown file of a run"),
        ("the-run/lane-9.safetensors", "lane 8 is out of range; valid: 0..1"),
        ("the-run/figure-nothing.json", "unknown figure 'nothing'"),
        ("the-run/figure-waiting.json?theme=<b>", "unknown theme '<b>'"),
        ("the-run/", "unknown file of a run ''"),
    ],
)
def test_what_is_not_there_is_one_sentence(app: Downloads, path: str, sentence: str) -> None:
    answer = ask(app, f"/credit-viz/run/{path}")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert sentence in answer.body.decode()
    assert answer.body.decode().count("\n") == 1


def test_asking_for_the_headers_alone(app: Downloads) -> None:
    asked = ask(app, "/credit-viz/run/the-run/traces.zip", "HEAD")
    assert (asked.status, asked.headers) == (200, get(app, "traces.zip").headers)


def test_everything_else_passes(app: Downloads) -> None:
    assert ask(app, "/config").body == b"gradio"
    assert ask(app, "/credit-viz/run/the-run/traces.zip", "POST").body == b"gradio"


def test_file_names_are_plain_whatever_a_trace_calls_its_decoder() -> None:
    for decoder in ("../../x\r\nSet-Cookie: a", "<b>", "\u202e", "", "x" * 999):
        name = lane_file(0, trace_of([{0: 1}], [], decoder=decoder))
        assert re.fullmatch(r"lane-1[a-z0-9-]*\.safetensors", name)
        assert len(name) < 70


def test_lanes_are_named_as_on_the_page() -> None:
    def named(*lanes: tuple[str, dict[str, Any]]) -> list[str]:
        return lane_names([trace_of([{0: 1}], [], decoder=decoder, settings=knobs) for decoder, knobs in lanes])

    assert named(("vanilla", {}), ("credit", {})) == ["Vanilla", "CreditDecoding"]
    assert named(("credit", {"alpha": 0.5}), ("credit", {})) == ["CreditDecoding α 0.5", "CreditDecoding"]
    assert named(("credit", {}), ("credit", {})) == ["CreditDecoding", "CreditDecoding (2)"]
    assert named(("own", {"x": 1}), ("own", {})) == ["own", "own (2)"]


# opening -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> RunStore:
    return RunStore()


@pytest.fixture
def uploads(store: RunStore) -> Uploads:
    return Uploads(PlainTextResponse("gradio"), store)


@pytest.fixture(scope="module")
def traces() -> tuple[Trace, ...]:
    return kept_run().traces()


def send(app: Any, *files: tuple[str, bytes], chunk: int = 1000, **headers: str) -> dict[str, Any]:
    query = urlencode([pair for name, data in files for pair in (("name", name), ("size", len(data)))])
    body = b"".join(data for _, data in files)
    chunks = tuple(body[i : i + chunk] for i in range(0, len(body), chunk)) or (b"",)
    answer = ask(app, f"/credit-viz/open?{query}", "POST", chunks, **({"x_credit_viz": "visit"} | headers))
    assert answer.status == 200
    return dict(json.loads(answer.body))


def test_opened_traces_are_kept_as_one_run(uploads: Uploads, store: RunStore, traces: tuple[Trace, ...]) -> None:
    files = [(f"{i}.safetensors", trace_bytes(trace)) for i, trace in enumerate(traces)]
    kept = store.get(send(uploads, *files)["run"])
    assert all(one.same_run(other) for one, other in zip(kept.traces(), traces, strict=True))
    assert len(decode_columns(kept.packets)) == sum(trace.forward_passes for trace in traces)
    assert kept.owner == "visit"


def test_a_visit_keeps_a_few_and_other_requests_pass(uploads: Uploads, traces: tuple[Trace, ...]) -> None:
    file = ("a", trace_bytes(traces[0]))
    runs = [send(uploads, file)["run"] for _ in range(6)]
    with pytest.raises(Exception, match="no longer keeps"):
        uploads.store.get(runs[0])
    assert uploads.store.get(runs[-1])
    assert ask(uploads, "/credit-viz/open").body == b"gradio"


def refused(app: Any, *files: tuple[str, bytes], **headers: str) -> Iterator[str]:
    answer = send(app, *files, **headers)
    assert set(answer) == {"error"}
    assert "\n" not in answer["error"]
    yield answer["error"]


def test_damaged_files_are_one_sentence_with_their_name(uploads: Uploads, traces: tuple[Trace, ...]) -> None:
    whole = trace_bytes(traces[0])
    for data in (
        b"",
        b"x",
        b"\xff" * 100,
        whole[:-1],
        whole[:200],
        b"PK\x03\x04" + whole,
        whole.replace(b"F32", b"I32"),
    ):
        (error,) = refused(uploads, ("dropped \u202ename.safetensors", data))
        assert "dropped ‹202E›name.safetensors" in error
    assert uploads.store.nbytes == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gen_length", 10**12),
        ("vocab_size", 10**40),
        ("mask_id", 10**30),
        ("eos_ids", [10**30]),
        ("settings", {"alpha": float("nan")}),
        ("settings", {"alpha": {"beta": {}}}),
        ("versions", {"torch": [2]}),
        ("block_length", 0),
        ("top_k", 0),
        ("interventions", [{"step": 1, "position": 10**12, "token": 1}]),
        ("interventions", [{"step": 1, "position": 1, "token": 10**12}]),
        ("schema", 2),
        ("model", 3),
    ],
)
def test_headers_that_name_the_impossible_are_refused(
    uploads: Uploads, traces: tuple[Trace, ...], field: str, value: Any
) -> None:
    data = trace_bytes(traces[0])
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    inner = json.loads(header["__metadata__"]["credit_viz"])
    (inner if field == "schema" else inner["run"])[field] = value
    header["__metadata__"]["credit_viz"] = json.dumps(inner)
    head = json.dumps(header).encode()
    (error,) = refused(uploads, ("a.safetensors", len(head).to_bytes(8, "little") + head + data[8 + size :]))
    assert "a.safetensors" in error


def test_files_that_are_no_lanes_of_one_run_are_refused(uploads: Uploads, traces: tuple[Trace, ...]) -> None:
    one = trace_bytes(traces[0])
    prompt = trace_bytes(replace(traces[0], info=replace(traces[0].info, prompt="other", prompt_ids=(9,))))
    shorter = trace_bytes(trace_of([{0: 1}], [], gen_length=4, prompt="kite", prompt_ids=(1, 2, 3)))
    assert "a and b are of different prompts" in next(refused(uploads, ("a", one), ("b", prompt)))
    assert "a and b differ in length (16 and 4 positions)" in next(refused(uploads, ("a", one), ("b", shorter)))
    assert "5 trace files; valid: 1 to 4" in next(refused(uploads, *[("a", one)] * 5))
    assert "0 trace files" in next(refused(uploads))


def test_too_much_is_refused_before_it_is_read(
    uploads: Uploads, traces: tuple[Trace, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 5000)
    data = trace_bytes(traces[0])
    assert "valid: up to 5000" in next(refused(uploads, ("a", data)))
    assert "the files hold 6000 bytes" in next(refused(uploads, ("a", b"x"), content_length="6000"))
    monkeypatch.setattr(opening, "MAX_CELLS", 3)
    with pytest.raises(TraceError, match=r"a has \d+ cells .* shows up to 3"):
        as_run([("a", traces[0])])
    monkeypatch.undo()
    trace = trace_of([{}] * 9, [], gen_length=4)
    for side, message in ((8, "9 steps; the page shows up to 8"), (3, "4 positions; the page shows up to 3")):
        monkeypatch.setattr(opening, "MAX_SIDE", side)
        with pytest.raises(TraceError, match=message):
            as_run([("a", trace)])


def test_requests_that_are_not_the_pages_are_refused(uploads: Uploads, traces: tuple[Trace, ...]) -> None:
    data = trace_bytes(traces[0])
    assert "X-Credit-Viz" in next(refused(uploads, ("a", data), x_credit_viz=""))

    def raw(query: str, *chunks: bytes) -> str:
        answer = ask(uploads, f"/credit-viz/open?{query}", "POST", chunks, x_credit_viz="v")
        return str(json.loads(answer.body)["error"])

    assert "does not say which files" in raw("name=a", data)
    assert "does not say which files" in raw("name=a&size=-1", data)
    assert f"names 5 bytes of files and holds {len(data)}" in raw("name=a&size=5", data)
    assert "too many files" in raw("&".join(["name=a"] * 200), data)
    assert "connection was closed" in raw("name=a&size=5")

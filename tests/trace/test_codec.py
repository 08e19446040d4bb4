"""The packets: round trips, damage, hostile texts, size, and the fixture the JavaScript decoder is held to."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.backend.base import LaneFinished, LaneRequest, RunRequest, StepTaken
from credit_viz.errors import TraceError
from credit_viz.text import clean_text
from credit_viz.trace.codec import (
    PLANES,
    VERSION,
    Column,
    Encoder,
    Plane,
    decode_columns,
    encode_position,
    encode_traces,
    open_packet,
    pack_packet,
)
from credit_viz.trace.record import Reason, StepRecord, Trace
from tests.rewriting import Fickle
from tests.support import MockModel, run, run_info
from tests.trace.codec_fixture import FIXTURE, fixture
from tests.web.fake import TEXTS, FakeBackend


def fake_traces(length: int = 32, decoders: Sequence[str] = ("vanilla", "credit")) -> list[Trace]:
    request = RunRequest("kite", tuple(map(LaneRequest, decoders)), gen_length=length, block_length=16)
    finished = {e.lane: e.trace for e in FakeBackend().stream(request) if isinstance(e, LaneFinished)}
    return [finished[lane] for lane in range(len(decoders))]


@st.composite
def records(draw: st.DrawFn) -> list[StepRecord]:
    """A few consecutive steps over arbitrary open positions, ids and events."""
    steps = draw(st.integers(1, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    channel = draw(st.booleans())
    length = draw(st.sampled_from([1, 7, 64, 3000]))
    ids = draw(st.sampled_from([5, 126_464]))
    rng = np.random.default_rng(seed)
    return [_record(rng, step + 1, length, ids, channel) for step in range(steps)]


def _record(rng: np.random.Generator, step: int, length: int, ids: int, channel: bool) -> StepRecord:
    positions = np.flatnonzero(rng.random(length) < rng.random()).astype(np.int32)
    count = len(positions)
    p = rng.random((count, 3)).astype(np.float32)
    candidates = rng.integers(0, ids, (count, 3)).astype(np.int32)
    written = rng.random(count) < 0.3
    return StepRecord(
        step=step,
        block=(0, length),
        positions=positions,
        candidate_ids=candidates,
        candidate_p=p,
        candidate_credit=p * 9,
        candidate_fused=p,
        winner_ids=np.where(rng.random(count) < 0.2, candidates[:, 1], candidates[:, 0]).astype(np.int32),
        winner_p=p[:, 0],
        fused=rng.random(count).astype(np.float32),
        entropy=p[:, 1] * 13,
        channels={"credit": p[:, 2] * 300, "boost": p[:, 2] * 7} if channel else {},
        event_positions=positions[written],
        event_ids=candidates[written, 0],
        event_reasons=rng.integers(1, 1 + max(Reason), int(written.sum())).astype(np.uint8),
        forward_seconds=0.0,
        decoder_seconds=0.0,
    )


def check_log(values: np.ndarray, truth: np.ndarray, maximum: float) -> None:
    """To half a byte of the logarithm, saturated."""
    atol = 0.5 / 255 * np.log1p(maximum) + 1e-6
    np.testing.assert_allclose(np.log1p(values), np.log1p(np.minimum(truth, maximum)), atol=atol)


def check_column(column: Column, record: StepRecord) -> None:
    assert (column.step, column.block) == (record.step, record.block)
    np.testing.assert_array_equal(column.positions, record.positions)
    np.testing.assert_array_equal(column.top_ids, record.candidate_ids[:, 0])
    np.testing.assert_array_equal(column.winner_ids, record.winner_ids)
    np.testing.assert_allclose(column.planes["confidence"], record.candidate_p[:, 0], atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(column.planes["fused"], record.fused, atol=0.5 / 255 + 1e-6)
    check_log(column.planes["entropy"], record.entropy, 12)
    assert {"credit", "boost"} & column.planes.keys() == record.channels.keys() - {"bar"}
    if "credit" in record.channels:
        check_log(column.planes["credit"], record.channels["credit"], 255)
        boost = np.minimum(record.channels["boost"], 6)
        np.testing.assert_allclose(column.planes["boost"], boost, atol=3 / 255 + 1e-6)
    exact = zip(record.event_positions.tolist(), record.event_ids.tolist(), record.event_reasons.tolist(), strict=True)
    assert column.events == tuple(exact)


@given(records(), records(), st.integers(0, 5))
def test_live_packets_hold_ids_steps_and_writes_exactly_and_numbers_to_a_byte(
    first: list[StepRecord], second: list[StepRecord], cut: int
) -> None:
    encoder = Encoder("run", [trace.info for trace in fake_traces(16)])
    packets = [encoder.start({})]
    for lane, lane_records in enumerate((first, second)):
        for index, record in enumerate(lane_records):
            encoder.add(lane, record, {})
            if index == cut and (packet := encoder.flush()):
                packets.append(packet)
    packets += [p for p in (encoder.flush(), encoder.end("done")) if p]
    columns = decode_columns(packets)
    assert len(columns) == len(first) + len(second)
    for lane, lane_records in enumerate((first, second)):
        for column, record in zip([c for c in columns if c.lane == lane], lane_records, strict=True):
            check_column(column, record)


def test_saved_traces_decode_to_the_same_columns() -> None:
    traces = fake_traces()
    packets = encode_traces("saved", traces, {"prompt": "kite"})
    columns = decode_columns(packets)
    for lane, trace in enumerate(traces):
        for column, record in zip([c for c in columns if c.lane == lane], trace.steps(), strict=True):
            check_column(column, record)
    assert open_packet(packets[0]).header["about"] == {"prompt": "kite"}
    assert open_packet(packets[-1]).header["state"] == "done"


def test_events_replay_to_the_canvas_of_every_step() -> None:
    trace = run(MockModel(seed=3, sharpness=3.0), Fickle(), gen_length=16, block_length=8)
    assert trace.taken_back
    assert trace.edited
    canvas = trace.canvas(0).copy()
    for column in decode_columns(encode_traces("r", [trace], {})):
        for position, token, _ in column.events:
            canvas[position] = token
        np.testing.assert_array_equal(canvas, trace.canvas(column.step))
    assert column.step == trace.forward_passes


def test_given_tokens_travel_first_with_their_texts() -> None:
    info = run_info(fixed={0: 3, 3: 4}, token_text={3: "three", 4: "\ud800"})
    header, arrays = open_packet(Encoder("r", [info, run_info()]).start({}))
    assert header["vocab"] == [[3, "three"], [4, "\ufffd"]]
    assert arrays["0.given_positions"].tolist() == [0, 3]
    assert arrays["0.given_tokens"].tolist() == [0, 1]
    assert arrays["1.given_positions"].size == arrays["1.given_tokens"].size == 0
    assert "fixed" not in header["lanes"][0]


def test_a_run_without_steps_has_no_steps_packet() -> None:
    encoder = Encoder("run", [])
    assert encoder.flush() is None
    assert decode_columns([encoder.start({}), encoder.end("cancelled")]) == []


def test_equal_planes_travel_once() -> None:
    vanilla = fake_traces(decoders=("vanilla",))
    packet = open_packet(encode_traces("r", vanilla, {})[1])
    planes = {"confidence": "confidence", "fused": "confidence", "entropy": "entropy"}
    assert packet.header["lanes"][0]["planes"] == planes
    assert "0.fused" not in packet.arrays


def test_a_credit_step_in_which_credit_changes_nothing() -> None:
    trace = fake_traces(decoders=("credit",))[0]
    record = next(trace.steps())
    sure = dataclasses.replace(record, candidate_p=np.ones_like(record.candidate_p), fused=np.ones_like(record.fused))
    encoder = Encoder("r", [trace.info])
    encoder.add(0, sure, TEXTS)
    packet = open_packet(encoder.flush() or "")
    planes = packet.header["lanes"][0]["planes"]
    assert planes == {name: "confidence" if name == "fused" else name for name in PLANES}
    assert {"0.confidence", "0.credit"} <= set(packet.arrays)


def test_a_run_of_256_positions_is_small_saved_and_live() -> None:
    traces = fake_traces(256)
    assert sum(map(len, encode_traces("r", traces, {}))) < 180 * 1024
    encoder = Encoder("r", [trace.info for trace in traces])
    live = len(encoder.start({}))
    for step, records in enumerate(zip_longest(*(trace.steps() for trace in traces))):
        for lane, record in enumerate(records):
            if record is not None:
                encoder.add(lane, record, TEXTS)
        if step % 5 == 4:
            live += len(encoder.flush() or "")
    assert live + len(encoder.flush() or "") < 450 * 1024


def test_readers_learn_the_planes_from_the_run() -> None:
    """A plane that this version does not know is read all the same."""
    start, steps, end = encode_traces("r", fake_traces(16, ("credit",)), {})
    (header, arrays), other = open_packet(start), open_packet(steps)
    header["planes"]["novel"] = {"kind": "linear", "maximum": 510}
    other.header["lanes"][0]["planes"]["novel"] = "confidence"
    columns = decode_columns([pack_packet(header, arrays), pack_packet(other.header, other.arrays), end])
    assert columns
    for column in columns:
        np.testing.assert_allclose(column.planes["novel"], column.planes["confidence"] * 510)


def test_exact_numbers_of_a_position() -> None:
    traces = fake_traces()
    packet = open_packet(encode_position("r", 3, [list(t.steps()) for t in traces], TEXTS))
    for lane, trace in enumerate(traces):
        mine = trace.positions == 3
        entry = packet.header["lanes"][lane]
        assert entry["n"] == mine.sum()
        np.testing.assert_array_equal(packet.arrays[f"{lane}.steps"], trace.cell_steps[mine])
        np.testing.assert_array_equal(packet.arrays[f"{lane}.p"].reshape(-1, entry["k"]), trace.candidate_p[mine])
        np.testing.assert_array_equal(packet.arrays[f"{lane}.winner_fused"], trace.fused[mine])
    np.testing.assert_array_equal(
        packet.arrays["1.channel.boost"], traces[1].channels["boost"][traces[1].positions == 3]
    )
    texts = dict(map(tuple, packet.header["vocab"]))
    assert set(packet.arrays["0.ids"].tolist()) <= set(texts)


def test_a_position_that_was_never_recorded_is_empty() -> None:
    packet = open_packet(encode_position("r", 999, [list(fake_traces()[0].steps())], {}))
    assert packet.header["lanes"] == [{"lane": 0, "n": 0, "k": 0, "channels": []}]


def test_lone_surrogates_become_replacement_characters() -> None:
    assert clean_text("a\ud800b") == "a\ufffdb"
    assert clean_text("\ud83d\ude00") == "😀"
    encoder = Encoder("r", [fake_traces(16)[0].info])
    record = next(fake_traces(16)[0].steps())
    encoder.add(0, record, dict.fromkeys(record.candidate_ids[:, 0].tolist(), "\udfff"))
    packet = encoder.flush()
    assert packet is not None
    assert {text for _, text in open_packet(packet).header["vocab"]} == {"\ufffd"}


@given(st.floats(0, 300, width=32), st.sampled_from(sorted(PLANES)))
def test_planes_are_monotonic_and_saturate(value: float, name: str) -> None:
    plane = PLANES[name]
    low, high = plane.to_bytes(np.array([value, value + 1], np.float32))
    assert low <= high
    assert plane.from_bytes(np.array([255], np.uint8))[0] == pytest.approx(plane.maximum)


def test_what_is_no_number_counts_as_zero() -> None:
    assert Plane("linear", 1.0).to_bytes(np.array([np.nan, -1.0, 2.0])).tolist() == [0, 0, 255]


def repacked(change: dict[str, Any]) -> str:
    header = json.dumps({"v": VERSION, "kind": "end", "seq": 0, "arrays": []} | change).encode()
    return base64.b64encode(gzip.compress(len(header).to_bytes(4, "little") + header, mtime=0)).decode()


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        ("", "damaged packet"),
        ("not base64!", "damaged packet"),
        (base64.b64encode(b"not gzip").decode(), "damaged packet"),
        (encode_traces("r", [], {})[0][:60], "damaged packet"),
        (repacked({"arrays": [["0.top", "uint16", 99]]}), "damaged packet"),
        (repacked({"arrays": [["0.top", "object", 1]]}), "damaged packet"),
        (repacked({"v": 99}), f"packet version 99; valid: {VERSION}"),
    ],
)
def test_damaged_packets_are_named(packet: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        open_packet(packet)


def test_a_missing_packet_is_noticed() -> None:
    encoder = Encoder("r", [])
    packets = [encoder.start({}), encoder.end("done"), encoder.end("done")]
    with pytest.raises(TraceError, match="packet 2 follows packet 0"):
        decode_columns([packets[0], packets[2]])


def check_same(stored: Any, made: Any, name: str = "") -> None:
    """Equal, but for the last bits of a probability, which another machine may compute otherwise."""
    if isinstance(made, dict):
        assert stored.keys() == made.keys()
        for key in made:
            check_same(stored[key], made[key], key.rsplit(".", 1)[-1])
    elif isinstance(made, list):
        for one, other in zip(stored, made, strict=True):
            check_same(one, other, name)
    elif isinstance(made, np.ndarray):
        atol = 1 if name in PLANES else 1e-5 if made.dtype.kind == "f" else 0
        np.testing.assert_allclose(stored.astype(np.float64), made.astype(np.float64), rtol=0, atol=atol)
    elif isinstance(made, (int, float)):
        assert stored == pytest.approx(made, abs=1 if name in PLANES else 1e-5 if isinstance(made, float) else 0)
    else:
        assert stored == made


def test_the_fixture_of_the_javascript_tests_is_current() -> None:
    """After a change of the codec: python -m tests.trace.codec_fixture."""
    stored, made = json.loads(FIXTURE.read_text("utf-8")), fixture()
    assert stored.keys() == made.keys()
    for name in made:
        check_same(stored[name]["expected"], made[name]["expected"])
        for old, new in zip(stored[name]["packets"], made[name]["packets"], strict=True):
            check_same(open_packet(old)._asdict(), open_packet(new)._asdict())
        check_same(open_packet(stored[name]["position"])._asdict(), open_packet(made[name]["position"])._asdict())


def test_packets_of_a_live_run_carry_new_tokens_once() -> None:
    encoder, seen = Encoder("r", [t.info for t in fake_traces()]), []
    request = RunRequest("kite", (LaneRequest("vanilla"), LaneRequest("credit")), gen_length=32, block_length=16)
    for event in FakeBackend().stream(request):
        if isinstance(event, StepTaken):
            encoder.add(event.lane, event.record, event.tokens)
            packet = encoder.flush()
            assert packet is not None
            seen += [token for token, _ in open_packet(packet).header["vocab"]]
    assert len(seen) == len(set(seen))

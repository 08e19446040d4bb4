"""Trace files: equal after the trip, and every kind of damage gives a TraceError that names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import credit_viz
from credit_viz.decoding import make_decoder
from credit_viz.errors import TraceError
from credit_viz.trace.files import SCHEMA, load_trace, to_frame, write_csv, write_parquet
from credit_viz.trace.record import Reason, Trace
from tests.support import MASK_DECODERS, MockModel, run, trace_of

HOSTILE = [
    "<img src=x onerror=1>",
    "${x}",
    "{{x}}",
    "a,b\"c'",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "NA",
    "nan",
    "",
    " ",
    "=1+1",
    "é漢🙂",
    "\u202e",
]


@pytest.fixture
def trace() -> Trace:
    return trace_of([{0: 5, 1: 2, 2: 1}, {0: 5, 2: 1}, {0: 5}], [(1, 1, 2), (2, 2, 1), (3, 0, 5, Reason.CREDIT)])


def parts(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a saved trace."""
    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["credit_viz"]), load_file(path)


def write(path: Path, header: object, arrays: dict[str, np.ndarray]) -> Path:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(arrays, path, metadata={"credit_viz": text})
    return path


def refused(path: Path) -> str:
    """Message of the refusal: one line that names the file."""
    with pytest.raises(TraceError) as raised:
        load_trace(path)
    message = str(raised.value)
    assert path.name in message
    assert "\n" not in message
    return message


# ------------------------------------------------------------------ there and back


@pytest.mark.parametrize("name", MASK_DECODERS)
@pytest.mark.parametrize("record", ["all", "block", "none"])
def test_a_run_comes_back_equal(name: str, record: str, tmp_path: Path) -> None:
    trace = run(MockModel(), make_decoder(name), gen_length=8, block_length=4, record=record)
    trace.save(tmp_path / "run.safetensors")
    loaded = credit_viz.load_trace(tmp_path / "run.safetensors")
    assert loaded.same_run(trace)
    assert loaded.info == trace.info
    np.testing.assert_array_equal(loaded.forward_seconds, trace.forward_seconds)
    np.testing.assert_array_equal(loaded.decoder_seconds, trace.decoder_seconds)


def test_an_empty_trace_comes_back(tmp_path: Path) -> None:
    trace = trace_of([], [])
    trace.save(tmp_path / "empty.safetensors")
    assert load_trace(tmp_path / "empty.safetensors").same_run(trace)


def test_a_path_may_be_a_string(trace: Trace, tmp_path: Path) -> None:
    trace.save(str(tmp_path / "run.safetensors"))
    assert load_trace(str(tmp_path / "run.safetensors")).same_run(trace)


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800lone", "pair \ud83d\ude00", "\x00NUL", "</script>"])
def test_hostile_texts_come_back(text: str, tmp_path: Path) -> None:
    trace = trace_of([{0: 5}], [(1, 0, 5)], token_text={5: text}, prompt=text, text=text)
    trace.save(tmp_path / "run.safetensors")
    loaded = load_trace(tmp_path / "run.safetensors").info

    # a pair of surrogates comes back as the character it stands for, a lone one as U+FFFD
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert (loaded.token_text[5], loaded.prompt, loaded.text) == (expected, expected, expected)


def test_saving_replaces_a_file_as_a_whole(trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    path.write_text("old")
    trace.save(path)
    assert load_trace(path).same_run(trace)
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]


@pytest.mark.parametrize("where", ["missing/run.safetensors", "folder", ".", "a" * 300])
def test_a_place_that_cannot_be_written_is_a_trace_error(trace: Trace, tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TraceError, match="cannot write"):
        trace.save(tmp_path / where)


def test_an_empty_path_is_a_trace_error(trace: Trace) -> None:
    with pytest.raises(TraceError):
        trace.save("")


def test_a_failed_save_leaves_nothing_behind(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(TraceError):
        trace.save(tmp_path / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


# ------------------------------------------------------------------ damage


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_anywhere(share: float, trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    trace.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_gives_a_trace_or_a_trace_error(data: st.DataObject, trace: Trace, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    trace.save(path)
    whole = bytearray(path.read_bytes())
    # the header is what can be misread; in the arrays any value is as good as another
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    with suppress(TraceError):
        load_trace(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"{}", b"\x00" * 64, b"\xff" * 64, b"not a trace at all " * 9])
def test_another_kind_of_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(content)
    refused(path)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    assert "no trace file" in refused(tmp_path / "absent.safetensors")
    refused(tmp_path)


def test_another_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"weight": np.zeros(3, np.float32)}, path)
    assert "is no trace" in refused(path)


def changed(trace: Trace, path: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> str:
    """Save, change header or arrays, and load again: the refusal's message."""
    trace.save(path)
    header, arrays = parts(path)
    change(header, arrays)
    return refused(write(path, header, arrays))


def _drop(mapping: dict[str, Any], name: str) -> None:
    del mapping[name]


@pytest.mark.parametrize("schema", [SCHEMA + 1, 0, "1", None, 1.5])
def test_another_schema(trace: Trace, tmp_path: Path, schema: object) -> None:
    message = changed(trace, tmp_path / "a.safetensors", lambda header, _: header.update(schema=schema))
    assert repr(schema) in message
    assert str(SCHEMA) in message


@pytest.mark.parametrize("name", ["cell_counts", "candidate_p", "event_ids", "channel.credit"])
def test_a_missing_array(trace: Trace, tmp_path: Path, name: str) -> None:
    assert name in changed(trace, tmp_path / "a.safetensors", lambda _, arrays: _drop(arrays, name))


def test_an_extra_array(trace: Trace, tmp_path: Path) -> None:
    def add(_: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays["secret"] = np.zeros(1, np.float32)

    assert "secret" in changed(trace, tmp_path / "a.safetensors", add)


SAVED = [
    "cell_counts",
    "block_starts",
    "forward_seconds",
    "positions",
    "candidate_ids",
    "candidate_p",
    "event_steps",
    "event_reasons",
    "channel.boost",
]


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda a: a.astype(np.int64), id="int64"),
        pytest.param(lambda a: a.astype(np.float16), id="float16"),
        pytest.param(lambda a: np.full(a.shape, np.nan), id="nan"),
        pytest.param(lambda a: a[:-1], id="short"),
        pytest.param(lambda a: a[None], id="deep"),
        pytest.param(lambda a: a.ravel()[0], id="flat"),
        pytest.param(lambda a: a[:0], id="empty"),
    ],
)
def test_an_array_of_another_shape_or_type(
    trace: Trace, tmp_path: Path, name: str, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    if name == "forward_seconds" and change(np.zeros(3)).dtype == np.float64 and change(np.zeros(3)).shape == (3,):
        pytest.skip("seconds are float64 and may be anything")

    def spoil(_: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = np.ascontiguousarray(change(arrays[name])).reshape(change(arrays[name]).shape)

    changed(trace, tmp_path / "a.safetensors", spoil)


@pytest.mark.parametrize("counts", [[-1, 4, 3], [2, 2, 2], [7, 0, -1], [2**31 - 1, 1, 1]])
def test_counts_that_do_not_fit(trace: Trace, tmp_path: Path, counts: list[int]) -> None:
    def spoil(_: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays["cell_counts"] = np.array(counts, np.int32)
        if sum(counts) == 6 and min(counts) >= 0:  # right total, but position 0 twice in a step
            arrays["positions"] = np.array([0, 0, 0, 0, 0, 0], np.int32)

    changed(trace, tmp_path / "a.safetensors", spoil)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"x"', "{}", '{"schema": 1}', "[" * 100_000, '{"schema":1,"run":[],"channels":[]}'],
)
def test_a_damaged_header(trace: Trace, tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.safetensors"
    trace.save(path)
    _, arrays = parts(path)
    refused(write(path, text, arrays))


@pytest.mark.parametrize("channels", [[1], [None], [["credit"]], ["credit"], {"credit": 1}, "credit", None])
def test_damaged_channels(trace: Trace, tmp_path: Path, channels: object) -> None:
    changed(trace, tmp_path / "a.safetensors", lambda header, _: header.update(channels=channels))


@pytest.mark.parametrize("field", ["gen_length", "top_k", "mask_id", "vocab_size", "block_length", "lanes", "seed"])
@pytest.mark.parametrize("value", ["4", None, 4.5, [4]])
def test_a_run_field_of_the_wrong_type(trace: Trace, tmp_path: Path, field: str, value: object) -> None:
    message = changed(trace, tmp_path / "a.safetensors", lambda header, _: header["run"].update({field: value}))
    assert field in message or "candidate" in message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("settings", [1]),
        ("settings", None),
        ("model", 3),
        ("decoder", None),
        ("record", 5),
        ("versions", 7),
        ("text", None),
        ("early_stop", "no"),
    ],
)
def test_a_describing_field_of_the_wrong_type(trace: Trace, tmp_path: Path, field: str, value: object) -> None:
    assert field in changed(trace, tmp_path / "a.safetensors", lambda header, _: header["run"].update({field: value}))


def test_a_run_field_too_many_or_too_few(trace: Trace, tmp_path: Path) -> None:
    assert "colour" in changed(trace, tmp_path / "a.safetensors", lambda header, _: header["run"].update(colour=1))
    assert "seed" in changed(trace, tmp_path / "b.safetensors", lambda header, _: _drop(header["run"], "seed"))


def test_bfloat16_arrays_are_refused(trace: Trace, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file as save_torch

    path = tmp_path / "a.safetensors"
    trace.save(path)
    header, arrays = parts(path)
    tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    tensors["winner_p"] = tensors["winner_p"].bfloat16()
    save_torch(tensors, path, metadata={"credit_viz": json.dumps(header)})
    refused(path)


# ------------------------------------------------------------------ tables


def test_the_table_has_one_row_per_cell(trace: Trace) -> None:
    frame = trace.to_frame()
    assert list(frame.columns) == [
        "step", "position", "top_id", "top_token", "confidence", "winner_id", "winner_token", "winner_p", "fused",
        "credit", "boost", "entropy", "margin", "written_id", "why", "by_hand_id",
    ]  # fmt: skip
    assert frame["step"].tolist() == [1, 1, 1, 2, 2, 3]
    assert frame["position"].tolist() == [0, 1, 2, 0, 2, 0]
    assert frame["top_token"].tolist() == ["t5", "t2", "t1", "t5", "t1", "t5"]
    np.testing.assert_array_equal(frame["confidence"], trace.confidence)
    np.testing.assert_array_equal(frame["credit"], trace.channels["credit"])
    written = frame.dropna(subset=["written_id"])
    assert written[["step", "position", "written_id"]].to_numpy().tolist() == [[1, 1, 2], [2, 2, 1], [3, 0, 5]]
    assert written["why"].tolist() == ["confident", "confident", "credit"]
    assert frame["why"].isna().sum() == 3


def test_further_channels_become_columns() -> None:
    trace = trace_of([{0: 5}], [(1, 0, 5)], channels=("kl",))
    assert "kl" in trace.to_frame().columns
    assert trace.to_frame()["credit"].tolist() == [0.0]


@pytest.mark.parametrize("empty", [trace_of([], []), trace_of([{}], [(1, 0, 5)], record="none")])
def test_a_trace_without_cells_gives_a_table_without_rows(empty: Trace, tmp_path: Path) -> None:
    assert len(to_frame(empty)) == 0
    write_csv(empty, tmp_path / "a.csv")
    write_parquet(empty, tmp_path / "a.parquet")
    assert len(pd.read_csv(tmp_path / "a.csv")) == 0


def hostile_trace() -> Trace:
    tops = [{i: i for i in range(10)}, {i: (i + 5) % len(HOSTILE) for i in range(10)}]
    return trace_of(
        tops,
        [(2, 0, 3)],
        gen_length=10,
        vocab_size=40,
        mask_id=39,
        block=(0, 10),
        token_text=dict(enumerate(HOSTILE)),
    )


def test_csv_comes_back(tmp_path: Path) -> None:
    trace = hostile_trace()
    write_csv(trace, tmp_path / "a.csv")
    frame = pd.read_csv(tmp_path / "a.csv", keep_default_na=False, na_values={"why": [""], "written_id": [""]})
    expected = trace.to_frame()
    assert frame["top_token"].tolist() == expected["top_token"].tolist()
    np.testing.assert_allclose(frame["confidence"], expected["confidence"], rtol=1e-6)
    assert frame["written_id"].isna().tolist() == expected["written_id"].isna().tolist()


def test_parquet_comes_back(tmp_path: Path) -> None:
    trace = hostile_trace()
    write_parquet(trace, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), trace.to_frame())


@pytest.mark.parametrize("writer", [write_csv, write_parquet])
@pytest.mark.parametrize("text", ["\ud800lone", "\x00NUL"])
def test_texts_that_no_encoder_takes_are_written_or_refused(
    writer: Callable[[Trace, Path], None], text: str, tmp_path: Path
) -> None:
    trace = trace_of([{0: 5}], [(1, 0, 5)], token_text={5: text})
    try:
        writer(trace, tmp_path / "a")
    except TraceError:
        return
    assert (tmp_path / "a").stat().st_size > 0


@pytest.mark.parametrize("writer", [write_csv, write_parquet])
def test_tables_that_cannot_be_written(writer: Callable[[Trace, Path], None], trace: Trace, tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot write"):
        writer(trace, tmp_path / "missing" / "a")

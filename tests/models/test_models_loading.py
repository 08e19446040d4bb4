"""Damaged, incomplete and foreign checkpoints: one line that names what is wrong, and nothing on the terminal."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import credit_viz.models.hub as hub
from credit_viz.errors import CheckpointError, SettingsError
from credit_viz.models.loading import load_model

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def folder(fixtures: Path, tmp_path: Path) -> Path:
    """A whole checkpoint to damage."""
    copy = tmp_path / "checkpoint"
    shutil.copytree(fixtures / "llada", copy, ignore=shutil.ignore_patterns("reference.npz"))
    return copy


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Load and return the refusal's message, having checked that it is one line and that nothing was printed."""

    def load(source: Any, **options: Any) -> str:
        with pytest.raises(CheckpointError) as raised:
            load_model(source, device="cpu", dtype="float32", **options)
        message = str(raised.value)
        printed = capfd.readouterr()
        assert printed.out == ""
        assert printed.err == ""
        assert message
        assert "\n" not in message
        return message

    return load


Refused = Callable[..., str]


def rewrite_json(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text())
    data.update(changes)
    path.write_text(json.dumps(data))


def test_a_whole_checkpoint_loads_silently(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = load_model(folder, device="cpu", dtype="float32")
    assert capfd.readouterr() == ("", "")
    assert (model.info.name, model.info.family, model.info.revision) == ("checkpoint", "llada", None)
    assert model.info.parameters == sum(p.numel() for p in model.network.parameters())
    assert (model.mask_id, model.eos_ids) == (261, (257, 267))
    assert (model.vocab_size, model.token_limit, model.max_positions) == (288, 268, 128)
    assert not model.network.training
    assert not any(p.requires_grad for p in model.network.parameters())


# ------------------------------------------------------------------ weights


def test_a_config_of_another_size_than_the_weights(folder: Path, refused: Refused) -> None:
    rewrite_json(folder / "config.json", mlp_hidden_size=200)
    assert "proj" in refused(folder)


def test_more_layers_than_weights(folder: Path, refused: Refused) -> None:
    rewrite_json(folder / "config.json", n_layers=4)
    assert "lacks" in refused(folder)


def test_fewer_layers_than_weights(folder: Path, refused: Refused) -> None:
    rewrite_json(folder / "config.json", n_layers=2)
    assert "unknown" in refused(folder)


def test_no_weights_at_all(folder: Path, refused: Refused) -> None:
    for shard in SHARDS:
        (folder / shard).unlink()
    assert "safetensors" in refused(folder)


def test_pickled_weights_are_not_loaded(folder: Path, refused: Refused) -> None:
    for shard in SHARDS:
        (folder / shard).unlink()
    (folder / "model.safetensors.index.json").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert "safetensors" in refused(folder)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": 5}}', '{"weight_map": null}', "3"]
)
def test_a_bad_index(folder: Path, refused: Refused, text: str) -> None:
    (folder / "model.safetensors.index.json").write_text(text)
    assert str(folder) in refused(folder)


# ------------------------------------------------------------------ config and tokenizer


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b"\x00"])
def test_a_file_that_is_no_json_object_is_named(folder: Path, refused: Refused, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert name in refused(folder)


@pytest.mark.parametrize("text", ["{}", '{"version": "1.0"}', '{"model": {"type": "BPE"}}', '{"model": 3}'])
def test_a_tokenizer_that_is_none_is_named(folder: Path, refused: Refused, text: str) -> None:
    (folder / "tokenizer.json").write_text(text)
    assert "tokenizer.json" in refused(folder)


def test_another_architecture_is_named(folder: Path, refused: Refused) -> None:
    rewrite_json(folder / "config.json", architectures=["GPT2LMHeadModel"])
    message = refused(folder)
    assert "GPT2LMHeadModel" in message
    assert "LLaDAModelLM" in message


@pytest.mark.parametrize("value", [3, "LLaDAModelLM", {"a": 1}, [["x"]]])
def test_architectures_of_the_wrong_type(folder: Path, refused: Refused, value: object) -> None:
    rewrite_json(folder / "config.json", architectures=value)
    assert "architectures" in refused(folder)


def test_a_disagreeing_mask_id_is_refused(folder: Path, refused: Refused) -> None:
    rewrite_json(folder / "config.json", mask_token_id=260)
    message = refused(folder)
    assert "260" in message
    assert "261" in message


@pytest.mark.parametrize("how", ["absent", "null"])
def test_the_mask_id_may_come_from_the_tokenizer(folder: Path, how: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["mask_token_id"] = None
    if how == "absent":
        del config["mask_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    assert load_model(folder, device="cpu").mask_id == 261


@pytest.mark.parametrize("how", ["absent", "null"])
def test_the_end_token_may_come_from_the_tokenizer(folder: Path, how: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["eos_token_id"] = None
    if how == "absent":
        del config["eos_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    assert load_model(folder, device="cpu").eos_ids == (257, 267)


def test_several_end_tokens(folder: Path) -> None:
    rewrite_json(folder / "config.json", eos_token_id=[267, 257])
    assert load_model(folder, device="cpu").eos_ids == (267, 257)


def rename_mask(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        path.write_text(path.read_text().replace("<|mdm_mask|>", "<|other|>"))


def test_no_mask_token_anywhere(folder: Path, refused: Refused) -> None:
    rename_mask(folder)
    config = json.loads((folder / "config.json").read_text())
    del config["mask_token_id"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "<|mdm_mask|>" in refused(folder)


@pytest.mark.parametrize("value", [288, 5000, -1, "261", 261.5, [261]])
def test_a_mask_id_outside_the_vocabulary_is_refused(folder: Path, refused: Refused, value: object) -> None:
    rename_mask(folder)
    rewrite_json(folder / "config.json", mask_token_id=value)
    assert "mask_token_id" in refused(folder)


@pytest.mark.parametrize("value", [288, -1, "257", [257, 5000], []])
def test_an_end_token_outside_the_vocabulary_is_refused(folder: Path, refused: Refused, value: object) -> None:
    rewrite_json(folder / "config.json", eos_token_id=value)
    assert "eos_token_id" in refused(folder)


@pytest.mark.parametrize(("name", "value"), [("n_heads", 5), ("n_heads", "4"), ("d_model", "64"), ("n_layers", None)])
def test_a_config_that_makes_no_sense(folder: Path, refused: Refused, name: str, value: object) -> None:
    rewrite_json(folder / "config.json", **{name: value})
    refused(folder)


# ------------------------------------------------------------------ where from


@pytest.mark.parametrize("source", ["/nowhere/at/all", "./nowhere", "~/nowhere", "nowhere", "a/b/c", Path("a/b")])
def test_a_folder_that_does_not_exist(source: object, refused: Refused) -> None:
    assert str(source) in refused(source)


def test_a_file_and_an_empty_folder(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_text("x")
    assert "file" in refused(tmp_path / "file")
    assert "file" in refused(str(tmp_path / "file"))
    (tmp_path / "empty").mkdir()
    assert "config.json" in refused(tmp_path / "empty")


@pytest.mark.parametrize("source", ["no-such-owner/no-such-model", "bad owner/..", "a/b@c"])
def test_a_hub_id_that_cannot_be_had_fails_quickly(source: str, refused: Refused) -> None:
    began = time.perf_counter()
    assert source in refused(source)
    assert time.perf_counter() - began < 5


def test_a_hub_id_is_fetched_in_two_steps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = folder.parent / "0123abc"
    folder.rename(snapshot)
    asked: list[dict[str, Any]] = []

    def download(source: str, **options: Any) -> str:
        asked.append({"source": source, **options})
        return str(snapshot)

    monkeypatch.setattr(hub, "snapshot_download", download)
    model = load_model("owner/name", device="cpu", revision="main")
    assert (model.info.name, model.info.revision) == ("owner/name", "0123abc")
    assert [(ask["source"], ask["revision"]) for ask in asked] == [("owner/name", "main"), ("owner/name", "0123abc")]
    small, weights = (ask["allow_patterns"] for ask in asked)
    assert weights == ["*.safetensors"]
    assert not any("py" in pattern or "bin" in pattern or "safetensors" in pattern for pattern in small)


def test_a_missing_embedded_model_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.setattr(hub, "embedded_model_path", lambda: tmp_path / "absent")
    assert "make train" in refused(None)


@pytest.mark.parametrize("device", ["cuda:99", "tpu", "", "cpu:x"])
def test_an_unknown_device_is_refused(folder: Path, device: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_model(folder, device=device)
    assert repr(device) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_dtype_lists_the_valid_ones(folder: Path) -> None:
    with pytest.raises(SettingsError, match=r"'float8'.*auto.*bfloat16.*float16.*float32"):
        load_model(folder, device="cpu", dtype="float8")


def test_automatic_choices(folder: Path) -> None:
    model = load_model(folder, dtype="auto")
    expected = "bfloat16" if model.device.type == "cuda" else "float32"
    assert model.info.dtype == expected


def test_loading_leaves_the_librarys_verbosity_alone(folder: Path) -> None:
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_model(folder, device="cpu")
    (folder / SHARDS[0]).unlink()
    with pytest.raises(CheckpointError):
        load_model(folder, device="cpu")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before

"""Files from the hub's cache: two steps, offline, one-line refusals. No network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from credit_viz.errors import CheckpointError
from credit_viz.models import hub, memory
from credit_viz.models.hub import fetch_weights, find_checkpoint
from credit_viz.models.loading import load_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cached(fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds owner/name; returns the snapshot's folder."""
    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / COMMIT
    shutil.copytree(fixtures / "llada", snapshot, ignore=shutil.ignore_patterns("reference.npz"))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return snapshot


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_a_cached_model_loads_offline_and_names_its_commit(cached: Path, revision: str | None) -> None:
    origin = find_checkpoint("owner/name", revision, offline=True)
    assert origin == hub.Origin(cached, "owner/name", COMMIT)
    model = load_model("owner/name", device="cpu", revision=revision, offline=True)
    assert (model.info.name, model.info.revision) == ("owner/name", COMMIT)


def test_weights_that_are_not_cached_are_missed_by_name(cached: Path) -> None:
    for file in cached.glob("*.safetensors"):
        file.unlink()
    origin = find_checkpoint("owner/name", offline=True)
    with pytest.raises(CheckpointError, match="the weights of 'owner/name' cannot be had: not in the hub's cache"):
        fetch_weights(origin, offline=True)


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("offline", [True, False])
def test_what_is_not_cached_is_one_line(offline: bool) -> None:
    """HF_HUB_OFFLINE=1, which these tests run with, says the same as the switch."""
    with pytest.raises(CheckpointError) as raised:
        find_checkpoint("owner/other", offline=offline)
    assert "\n" not in str(raised.value)
    for part in ("configuration and tokenizer of 'owner/other'", "--offline", "HF_HUB_OFFLINE=1", "give a folder"):
        assert part in str(raised.value)


def test_online_a_repository_without_safetensors_is_refused(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in cached.glob("*.safetensors"):
        file.unlink()
    monkeypatch.setattr(hub, "is_offline_mode", lambda: False)
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(cached))
    with pytest.raises(CheckpointError, match=r"'owner/name' on the hub has no \.safetensors weights"):
        fetch_weights(find_checkpoint("owner/name"))


def test_a_hub_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> str:
        raise ConnectionError("no route to the hub\nand a second line")

    monkeypatch.setattr(hub, "snapshot_download", fails)
    with pytest.raises(CheckpointError) as raised:
        find_checkpoint("owner/name")
    assert str(raised.value) == "'owner/name' is no folder and cannot be had from the hub: no route to the hub"


def test_too_large_a_model_is_refused_before_its_weights_are_fetched(
    cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def download(*_: Any, **options: Any) -> str:
        asked.append(options["allow_patterns"])
        return str(cached)

    monkeypatch.setattr(hub, "snapshot_download", download)
    monkeypatch.setattr(memory, "free_memory", lambda _: 1000)
    with pytest.raises(CheckpointError, match="owner/name needs"):
        load_model("owner/name", device="cpu")
    assert len(asked) == 1
    assert "*.safetensors" not in asked[0]


def test_what_takes_long_is_told(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: str(cached))
    told: list[str] = []
    load_model("owner/name", device="cpu", tell=told.append)
    assert told == ["fetching the weights of owner/name unless they are cached, 0.4 MB in bfloat16"]


@pytest.mark.parametrize("local", [True, False])
def test_only_a_repository_has_revisions(fixtures: Path, local: bool) -> None:
    """Pinned in a trace, a revision must be of what ran."""
    with pytest.raises(CheckpointError, match="has no revision 'main'"):
        find_checkpoint(fixtures / "llada" if local else None, "main")


def test_a_local_folder_asks_nobody(fixtures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **__: pytest.fail("asked the hub"))
    origin = find_checkpoint(fixtures / "llada")
    fetch_weights(origin)
    assert (origin.name, origin.commit) == ("llada", None)

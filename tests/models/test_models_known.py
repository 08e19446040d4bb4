"""The list of known models: sizes counted on the published shapes, settings that exist, nothing claimed twice."""

from __future__ import annotations

import json

import pytest
import torch

from credit_viz.decoding import DECODERS, make_decoder
from credit_viz.models import known
from credit_viz.models.families import FAMILIES, family_of
from credit_viz.models.known import EMBEDDED, KNOWN_MODELS, KnownModel, known_model, ways_here
from credit_viz.models.memory import measure
from tests.models.test_models_memory import SERVED, size_of

CPU = torch.device("cpu")


def test_ids_are_unique_and_the_embedded_model_comes_first() -> None:
    ids = [model.id for model in KNOWN_MODELS]
    assert ids[0] == EMBEDDED
    assert len(set(ids)) == len(ids)
    assert all(name.count("/") == 1 for name in ids[1:])


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.id)
def test_an_entry_is_whole(model: KnownModel) -> None:
    assert model.licence
    assert model.note
    assert "\n" not in model.note
    assert model.recommended.source
    assert 0 < model.active_parameters <= model.size.parameters
    assert 0 <= model.size.quantizable < model.size.parameters
    assert model.command == ("credit-viz serve" if model.id == EMBEDDED else f"credit-viz serve --model {model.id}")


@pytest.mark.parametrize("model", KNOWN_MODELS, ids=lambda model: model.id)
def test_recommended_settings_can_be_run(model: KnownModel) -> None:
    recommended = model.recommended
    threshold = {} if recommended.threshold is None else {"threshold": recommended.threshold}
    decoder = make_decoder(recommended.decoder, threshold, recommended.preset)
    (family,) = (family for family in FAMILIES if family.name == model.family)
    assert decoder.needs.served_by(family.abilities)
    assert recommended.gen_length % recommended.block_length == 0
    assert recommended.decoder in DECODERS


@pytest.mark.parametrize("family", SERVED)
def test_sizes_are_those_of_the_published_shapes(family: str) -> None:
    entries = [model for model in KNOWN_MODELS if model.family == family and model.id != EMBEDDED]
    assert entries
    assert {model.size for model in entries} == {size_of(family)}
    assert not any(model.estimate for model in entries)


def test_the_size_of_the_embedded_model() -> None:
    from credit_viz.models.hub import embedded_model_path

    config = json.loads((embedded_model_path() / "config.json").read_text())
    family = family_of(config)
    assert known_model(EMBEDDED).size == measure(family.network_class, family.translate_config(config))  # type: ignore[union-attr]


def test_only_families_that_are_served_are_listed() -> None:
    served = {family.name for family in FAMILIES}
    assert {model.family for model in KNOWN_MODELS} <= served
    assert {"llada", "llada_moe", "dream", "llada2"} <= {model.family for model in KNOWN_MODELS}


def test_what_is_second_hand_says_so() -> None:
    for model in KNOWN_MODELS:
        if model.recommended.preset == "paper":
            assert "second-hand" in model.recommended.source
        assert model.estimate == model.experimental == (model.family == "diffusion_gemma")


def test_models_are_found_by_id_in_any_case() -> None:
    assert known_model("gsai-ml/llada-8b-instruct") is known_model("GSAI-ML/LLaDA-8B-Instruct") is not None
    assert known_model("/some/folder") is None


def test_what_fits_depends_on_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    llada = known_model("GSAI-ML/LLaDA-8B-Instruct")
    assert llada is not None
    monkeypatch.setattr(known, "free_memory", lambda _: 40 * 10**9)
    ways = ways_here(llada, CPU, "float32")
    assert ways is not None
    assert [way.option for way in ways] == ["", "--dtype bfloat16", "--quantize int8", "--quantize nf4"]
    monkeypatch.setattr(known, "free_memory", lambda _: 10**9)
    assert ways_here(llada, CPU, "float32") == []
    monkeypatch.setattr(known, "free_memory", lambda _: None)
    assert ways_here(llada, CPU, "float32") is None


def test_quantization_is_proposed_only_where_it_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "free_memory", lambda _: 10**12)
    for model in KNOWN_MODELS:
        ways = ways_here(model, CPU, "bfloat16")
        assert ways is not None
        offered = {way.option for way in ways if "quantize" in way.option}
        helps = model.family in ("llada", "dream") and model.id != EMBEDDED
        assert offered == ({"--quantize int8", "--quantize nf4"} if helps else set())

"""The model menu: what is served, and what could be."""

from __future__ import annotations

import json

from credit_viz import load_model
from credit_viz.backend.menu import model_menu
from credit_viz.models.base import DiffusionLM
from credit_viz.models.known import KNOWN_MODELS


def test_the_embedded_model_and_all_others() -> None:
    menu = model_menu(load_model(device="cpu"))
    assert menu["served"]["name"] == "embedded model"
    assert menu["served"]["facts"] == ["2.4 M parameters", "llada family", "float32 on cpu"]
    assert menu["served"]["licence"] == "Apache-2.0"
    assert [entry["name"] for entry in menu["known"]] == [model.id for model in KNOWN_MODELS[1:]]
    json.dumps(menu)


def test_memory_and_commands_of_the_others() -> None:
    known = {entry["name"]: entry for entry in model_menu(load_model(device="cpu"))["known"]}
    llada = known["GSAI-ML/LLaDA-8B-Instruct"]
    assert llada["facts"] == ["8.0 B parameters", "16.0 GB (int8 9.1 GB, nf4 6.0 GB)"]
    assert llada["command"] == "credit-viz serve --model GSAI-ML/LLaDA-8B-Instruct"
    assert known["inclusionAI/LLaDA-MoE-7B-A1B-Instruct"]["facts"] == ["7.4 B, 1.4 B active", "14.7 GB"]
    for model in KNOWN_MODELS:
        if model.experimental:
            assert known[model.id]["facts"][1].startswith("about ")
            assert known[model.id]["note"].startswith("experimental: ")


def test_a_model_that_nobody_lists(peaky: DiffusionLM) -> None:
    menu = model_menu(peaky)
    assert menu["served"] == {
        "name": "llada_peaky",
        "facts": ["0.2 M parameters", "llada family", "float32 on cpu"],
        "note": "",
        "licence": "",
    }
    assert len(menu["known"]) == len(KNOWN_MODELS)
    assert menu["known"][0]["command"] == "credit-viz serve"

"""A sweep to take away: report, CSV and Parquet over plain HTTP; what is not there is one sentence."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from credit_viz.lab import InlineCrew, SweepResult, sweep
from credit_viz.web.labdownloads import SWEEP_FILES, SweepDownloads
from credit_viz.web.laboratory import Laboratory
from credit_viz.web.sweepshelf import Shown
from tests.lab.conftest import LabModel, small_plan

TITLE = "<b>My</b> sweep"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sweep")
    sweep(small_plan(), place, InlineCrew(LabModel()))
    return place


@pytest.fixture(scope="module")
def client(folder: Path) -> TestClient:
    laboratory = Laboratory(shown=[Shown("one", TITLE, folder), Shown("broken", "Broken", folder / "nowhere")])
    return TestClient(Starlette(middleware=[Middleware(SweepDownloads, laboratory=laboratory)]))


@pytest.mark.parametrize("name", SWEEP_FILES)
def test_every_file_is_saved_and_never_shown(client: TestClient, name: str) -> None:
    found = client.get(f"/credit-viz/sweep/one/{name}")
    assert found.status_code == 200
    assert found.headers["content-disposition"] == f'attachment; filename="credit-viz-{name}"'
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["x-content-type-options"] == "nosniff"
    head = client.head(f"/prefix/credit-viz/sweep/one/{name}")
    assert (head.status_code, head.headers["content-type"]) == (200, found.headers["content-type"])


def test_tables_are_the_sweep(client: TestClient, folder: Path) -> None:
    frame = SweepResult.load(folder).frame
    parquet = pd.read_parquet(io.BytesIO(client.get("/credit-viz/sweep/one/runs.parquet").content))
    assert parquet["key"].tolist() == frame["key"].tolist()
    assert parquet["forward_passes"].tolist() == frame["forward_passes"].tolist()
    table = pd.read_csv(io.StringIO(client.get("/credit-viz/sweep/one/runs.csv").text))
    assert table["forward_passes"].tolist() == frame["forward_passes"].tolist()


def test_the_report_has_the_title_as_text(client: TestClient) -> None:
    page = client.get("/credit-viz/sweep/one/report.html").text
    assert "&lt;b&gt;My&lt;/b&gt; sweep" in page
    assert "<b>My</b>" not in page
    assert "credit-viz sweep" in page


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("one/nothing.txt", "unknown file of a sweep 'nothing.txt'; valid: report.html, runs.csv, runs.parquet"),
        ("one", "unknown file of a sweep ''"),
        ("other/runs.csv", "does not keep this sweep"),
        ("%2e%2e/runs.csv", "does not keep this sweep"),
        ("broken/runs.csv", "does not keep this sweep, or no longer"),
    ],
)
def test_what_is_not_there_is_one_sentence(client: TestClient, path: str, words: str) -> None:
    found = client.get(f"/credit-viz/sweep/{path}")
    assert found.status_code == 404
    assert words in found.text
    assert found.text.count("\n") == 1


def test_other_requests_pass(client: TestClient) -> None:
    assert client.get("/elsewhere").text == "Not Found"
    assert client.post("/credit-viz/sweep/one/runs.csv").text == "Not Found"

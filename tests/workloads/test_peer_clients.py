"""The clients of peers, as they come from the registry, against a real server process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
import tritonclient.http as triton
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression
from tritonclient.utils import InferenceServerException

from tests.cluster import files
from tests.cluster.layout import CHECKOUT, cache
from tests.workloads.server_process import serving

TABLE = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 2.0]})
ASKED = {"a": np.array([0.5, 1.0]), "b": np.array([2.0, 4.0])}
EXPECTED = ASKED["a"] + 2 * ASKED["b"]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("peers") / "model"
    mlflow.sklearn.save_model(
        LinearRegression().fit(TABLE, TABLE["a"] + 2 * TABLE["b"]),
        folder,
        signature=infer_signature(TABLE),
        pip_requirements=[],
    )
    with serving(folder) as found:
        yield found


@pytest.fixture
def client(port: int) -> Iterator[Any]:
    with triton.InferenceServerClient(f"127.0.0.1:{port}") as made:
        yield made


def inputs(*, binary: bool, dtype: str = "float64") -> list[Any]:
    named = []
    for name, values in ASKED.items():
        tensor = triton.InferInput(
            name, list(values.shape), {"float64": "FP64", "float16": "FP16"}[dtype]
        )
        tensor.set_data_from_numpy(values.astype(dtype), binary_data=binary)
        named.append(tensor)
    return named


def test_tritons_client_finds_server_and_model(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.is_model_ready("m", "3")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    described = client.get_model_metadata("m", "3")
    assert [tensor["name"] for tensor in described["inputs"]] == ["a", "b"]


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False, None])
def test_tritons_client_sends_and_reads_both_forms(
    binary_in: bool, binary_out: bool | None, client: Any
) -> None:
    """None leaves the outputs to the client, which then asks for bytes by itself."""
    outputs = (
        None
        if binary_out is None
        else [triton.InferRequestedOutput("output-0", binary_data=binary_out)]
    )
    answer = client.infer(
        "m", inputs(binary=binary_in), model_version="3", outputs=outputs, request_id="7"
    )
    assert answer.get_response()["id"] == "7"
    np.testing.assert_allclose(answer.as_numpy("output-0"), EXPECTED)


def test_tritons_client_sends_half_floats(client: Any) -> None:
    answer = client.infer("m", inputs(binary=True, dtype="float16"))
    np.testing.assert_allclose(answer.as_numpy("output-0"), EXPECTED, rtol=1e-3)


def test_tritons_client_shows_our_sentence(client: Any) -> None:
    with pytest.raises(InferenceServerException, match=r"needs column b \(double\)"):
        client.infer("m", inputs(binary=True)[:1])


@pytest.fixture(scope="session")
def kserve() -> Path:
    """KServe's Python in an environment of its own, for it wants another pandas than ours."""
    locked = CHECKOUT / "requirements" / "clients.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache() / "clients" / files.digest([locked], under=CHECKOUT, salt=version)
    uv = Path(sys.executable).parent / "uv"
    with files.lock(cache() / "clients.lock"):
        if not folder.exists():
            with files.whole(folder) as half:
                run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, half)
                run(
                    *(uv, "pip", "install", "--quiet", "--no-deps"),
                    *("--require-hashes", "--python", half / "bin" / "python"),
                    *("--requirement", locked),
                )
    return folder / "bin" / "python"


def run(*command: Path | str) -> str:
    """With bytecode written: KServe imports for seconds without it, and its folder is nobody's checkout."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kserves_client_sends_and_reads_both_forms(kserve: Path, port: int) -> None:
    asks = Path(__file__).with_name("kserve_asks.py")
    seen = json.loads(run(kserve, asks, f"http://127.0.0.1:{port}"))
    assert "empty. Send one tensor per column" in seen.pop("refused")
    assert seen.pop("live") is seen.pop("ready") is seen.pop("model") is True
    assert len(seen) == 4
    for story, (identity, datatype, values) in seen.items():
        assert (identity, datatype) == ("7", "FP64"), story
        np.testing.assert_allclose(values, EXPECTED, err_msg=story)

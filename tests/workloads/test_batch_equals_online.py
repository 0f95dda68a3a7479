"""A table's answers are the endpoint's, bit for bit: the same rows over HTTP, one by one, and as a batch."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from soloist_workloads.batch.asking import ask
from soloist_workloads.serving.app import App
from soloist_workloads.serving.lane import Lane
from soloist_workloads.serving.scorer import Scorer
from soloist_workloads.serving.state import State
from tests.workloads.batch_sets import EDGES, load, save_forest, save_linear, score, write_parquet

ROWS = 40


def bits(value: Any) -> Any:
    """What tells -0.0 from 0.0 and one NaN is like another."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    return value


async def online(scorer: Scorer, columns: dict[str, list[Any]]) -> list[Any]:
    """Each row by itself through the ASGI app, as a client writes it; a refusal is None."""
    state = State()
    state.become_ready(scorer)
    app = App(name="m", version="1", state=state, lane=Lane(threads=1))
    found: list[Any] = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),  # type: ignore[arg-type] # httpx types ASGI loosely
        base_url="http://m",
    ) as client:
        for row in zip(*columns.values(), strict=True):
            body = json.dumps({"dataframe_split": {"columns": list(columns), "data": [row]}})
            answer = await client.post(
                "/invocations", content=body, headers={"content-type": "application/json"}
            )
            found.append(
                json.loads(answer.text)["predictions"][0] if answer.status_code == 200 else None
            )
    return found


async def over_v2(scorer: Scorer, columns: dict[str, list[float]]) -> list[bytes]:
    """The same over the Open Inference Protocol's binary tensors, which carry the bits themselves."""
    state = State()
    state.become_ready(scorer)
    app = App(name="m", version="1", state=state, lane=Lane(threads=1))
    found = []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),  # type: ignore[arg-type] # httpx types ASGI loosely
        base_url="http://m",
    ) as client:
        for row in zip(*columns.values(), strict=True):
            inputs = [
                {
                    "name": name,
                    "datatype": "FP64",
                    "shape": [1, 1],
                    "parameters": {"binary_data_size": 8},
                }
                for name in columns
            ]
            head = json.dumps(
                {"inputs": inputs, "parameters": {"binary_data_output": True}}
            ).encode()
            answer = await client.post(
                "/v2/models/m/infer",
                content=head + struct.pack(f"<{len(row)}d", *row),
                headers={"inference-header-content-length": str(len(head))},
            )
            assert answer.status_code == 200, answer.text
            length = int(answer.headers["inference-header-content-length"])
            assert json.loads(answer.content[:length])["outputs"][0]["datatype"] == "FP64"
            found.append(answer.content[length:])
    return found


def random_columns(count: int, seed: int = 3) -> dict[str, list[float]]:
    chance = np.random.default_rng(seed)
    return {
        f"x{place}": (chance.normal(size=ROWS) * 10.0 ** chance.integers(-6, 6, ROWS)).tolist()
        for place in range(count)
    }


@pytest.mark.parametrize("group", [1, 7, ROWS])
async def test_a_linear_models_answers_are_equal_whatever_the_size_of_a_partition(
    tmp_path: Path, group: int
) -> None:
    scorer = load(save_linear(tmp_path / "model"))
    columns = random_columns(24)
    write_parquet(tmp_path, "in/a.parquet", columns, group=group)
    score(scorer, tmp_path)
    files = sorted((tmp_path / "out").glob("*.parquet"))
    assert len(files) == math.ceil(ROWS / group)
    batch = [value for file in files for value in pq.read_table(file)["prediction"].to_pylist()]
    assert list(map(bits, batch)) == list(map(bits, await online(scorer, columns)))
    assert [struct.pack("<d", value) for value in batch] == await over_v2(scorer, columns)


@pytest.mark.parametrize(
    "together", [1, 7, ROWS, None], ids=lambda rows: f"{rows} rows in a request"
)
async def test_a_forests_answers_are_equal_however_many_rows_share_a_request(
    tmp_path: Path, together: int | None
) -> None:
    scorer = load(save_forest(tmp_path / "model"))
    columns = random_columns(5)
    answers = ask(scorer, pa.table(columns), is_text=False, together=together)
    assert answers.reasons == {}
    batch = [answers.predictions[row] for row in range(ROWS)]
    assert list(map(bits, batch)) == list(map(bits, await online(scorer, columns)))


async def test_a_csv_sets_answers_are_equal_to_those_of_its_numbers(tmp_path: Path) -> None:
    scorer = load(save_linear(tmp_path / "model"))
    columns = random_columns(24)
    (tmp_path / "in").mkdir()
    lines = [
        ",".join(columns),
        *(",".join(map(repr, row)) for row in zip(*columns.values(), strict=True)),
    ]
    (tmp_path / "in/a.csv").write_text("\n".join(lines))
    score(scorer, tmp_path, csv_bytes=2000)
    files = sorted((tmp_path / "out").glob("*.csv"))
    assert len(files) > 1
    batch = [value for file in files for value in pacsv.read_csv(file)["prediction"].to_pylist()]
    assert list(map(bits, batch)) == list(map(bits, await online(scorer, columns)))


ALL: dict[str, list[Any]] = {
    "flag": [True, False] * 8,
    "small": [*range(14), 2**31 - 1, -(2**31)],
    "count": [*range(14), 2**63 - 1, -(2**63)],
    "ratio": [None if v is None else float(np.float32(v)) for v in np.clip(np.array(EDGES[:-3] + [0.5] * 3, float), -3e38, 3e38).tolist()],
    "score": EDGES,
    "name": ["", "a", "ü", "\n", '"', "NaN", "null", "1", " ", "\u2028", "\\", "a,b", "'", "0x1", "true", "-0"],
    "time": ["2013-01-31T17:45:00.123456789", "1970-01-01T00:00:00", *["2262-04-11 23:47:16"] * 14],
    "blob": ["AP8=", ""] * 8,
}  # fmt: skip


@pytest.mark.parametrize("signature", ["all", "plain", "optional", "unsigned"])
@pytest.mark.parametrize("group", [1, 7, 16])
async def test_every_type_reaches_the_model_as_it_does_online(
    tmp_path: Path, mirror: Callable[[str], Path], signature: str, group: int
) -> None:
    """The model describes what it is given, a text per row: equal answers mean equal inputs, to the type and the bit."""
    scorer = RowMirror(load(mirror(signature)))
    used = {
        "all": list(ALL),
        "plain": list(ALL)[:6],
        "optional": ["score", "name", "count"],
        "unsigned": ["score", "name"],
    }
    columns = {name: ALL[name] for name in used[signature]}
    typed = {
        "flag": pa.bool_(), "small": pa.int32(), "count": pa.int64(), "ratio": pa.float32(), "score": pa.float64(),
        "name": pa.dictionary(pa.int32(), pa.string()), "time": pa.timestamp("ns"), "blob": pa.binary(),
    }  # fmt: skip
    import base64

    arrays = {}
    for name, values in columns.items():
        if name == "time":
            arrays[name] = pa.array([v.replace("T", " ") for v in values], pa.string()).cast(
                typed[name]
            )
        elif name == "blob":
            arrays[name] = pa.array([base64.b64decode(v) for v in values], typed[name])
        elif name == "name":
            arrays[name] = pa.array(values).dictionary_encode().cast(typed[name])
        else:
            arrays[name] = pa.array(values, typed[name])
    write_parquet(tmp_path, "in/a.parquet", arrays, group=group)
    score(scorer, tmp_path)
    batch = [
        value
        for file in sorted((tmp_path / "out").glob("*.parquet"))
        for value in pq.read_table(file)["prediction"].to_pylist()
    ]
    expected = await online(scorer, columns)
    assert None not in expected
    assert len(batch) == 16
    assert batch == expected


class RowMirror(Scorer):
    """A mirror that gives its whole description as the answer of the one row that it was asked for."""

    def __init__(self, inner: Scorer) -> None:
        self._inner = inner

    @property
    def flavor(self) -> str:
        return self._inner.flavor

    @property
    def inputs(self) -> Any:
        return self._inner.inputs

    @property
    def outputs(self) -> Any:
        return self._inner.outputs

    def invoke(self, body: bytes, content_type: str) -> Any:
        from dataclasses import replace

        reply = self._inner.invoke(body, content_type)
        told = json.dumps(json.loads(reply.body)["predictions"], sort_keys=True)
        return replace(reply, body=json.dumps({"predictions": [told]}).encode())

    def predict(self, given: Any) -> Any:
        return self._inner.predict(given)

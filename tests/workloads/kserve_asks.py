"""Run in KServe's own environment: asks a server as its users do, and prints what it understood of the answers."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

A, B = np.array([0.5, 1.0]), np.array([2.0, 4.0])


def request(*, binary: bool, outputs: bool) -> InferRequest:
    inputs = []
    for name, values in (("a", A), ("b", B)):
        tensor = InferInput(name, list(values.shape), "FP64")
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    wanted = [RequestedOutput("output-0", {"binary_data": outputs})]
    return InferRequest("m", inputs, request_id="7", request_outputs=wanted)


async def main(base: str) -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=1))
    seen: dict[str, Any] = {
        "live": await client.is_server_live(base),
        "ready": await client.is_server_ready(base),
        "model": await client.is_model_ready(base, "m"),
    }
    for binary in (False, True):
        for outputs in (False, True):
            answer = await client.infer(
                base, request(binary=binary, outputs=outputs), model_name="m"
            )
            (output,) = answer.outputs
            story = f"{'bytes' if binary else 'json'} to {'bytes' if outputs else 'json'}"
            seen[story] = [answer.id, output.datatype, output.as_numpy().tolist()]
    try:
        await client.infer(base, {"inputs": []}, model_name="m")
    except Exception as error:
        seen["refused"] = str(error)
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))

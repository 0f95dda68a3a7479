"""The least that a Python server can do for a model: plain ASGI, JSON, predict. No checks, no metrics, no limits."""

import sys

import joblib
import numpy as np
import orjson
import uvicorn

MODEL = joblib.load(sys.argv[1])
KIND = (b"content-type", b"application/json")


async def app(scope, receive, send):
    message = await receive()
    tensor = orjson.loads(message["body"])["inputs"][0]
    rows = np.array(tensor["data"], np.float32).reshape(tensor["shape"])
    body = orjson.dumps({"outputs": [{"data": MODEL.predict(rows).tolist()}]})
    headers = [KIND, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(sys.argv[2]),
    lifespan="off",
    access_log=False,
    log_level="error",
)

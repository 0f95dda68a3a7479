"""Ray Serve with one replica around a scikit-learn model."""

import sys
import time

import joblib
import numpy as np
import ray
from ray import serve


@serve.deployment(ray_actor_options={"num_cpus": 0}, max_ongoing_requests=128)
class Served:
    def __init__(self, file: str) -> None:
        self._model = joblib.load(file)

    async def __call__(self, request):
        given = await request.json()
        return {"labels": self._model.predict(np.array(given["rows"])).tolist()}


# "local": without it, any cluster that happens to run on the machine is joined.
ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
serve.run(Served.bind(sys.argv[1]), route_prefix="/predict")
while True:
    time.sleep(60)

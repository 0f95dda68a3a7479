"""KServe's own ModelServer around a scikit-learn model; its sklearnserver isn't published as a package."""

import sys

import joblib
import numpy as np
from kserve import InferOutput, InferResponse, Model, ModelServer


class Served(Model):
    def __init__(self, file: str) -> None:
        super().__init__("m")
        self._model = joblib.load(file)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        rows = payload.inputs[0].as_numpy().astype("float64")
        labels = self._model.predict(rows)
        output = InferOutput("output-0", [len(labels)], "INT64", data=np.asarray(labels).tolist())
        return InferResponse(
            response_id=str(payload.id or "1"), model_name="m", infer_outputs=[output]
        )


ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, workers=1).start([Served(sys.argv[1])])

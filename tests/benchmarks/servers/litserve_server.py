"""LitServe around a scikit-learn model, batching when it is told to."""

import sys

import joblib
import litserve
import numpy as np


class Served(litserve.LitAPI):
    def setup(self, device):
        self._model = joblib.load(sys.argv[1])

    def decode_request(self, request):
        return np.array(request["rows"][0])

    def predict(self, given):
        return self._model.predict(np.atleast_2d(given))

    def encode_response(self, output):
        return {"labels": np.atleast_1d(output).tolist()}


if __name__ == "__main__":
    batch = {"max_batch_size": 64, "batch_timeout": 0.002} if sys.argv[3:] else {}
    server = litserve.LitServer(Served(**batch), accelerator="cpu", timeout=60)
    server.run(port=int(sys.argv[2]), host="127.0.0.1", generate_client_file=False)

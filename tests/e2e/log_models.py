"""Runs as a program: logs small models of the diabetes data in MLflow and registers them, without a Run of ours.

    MLFLOW_TRACKING_URI=… python log_models.py MODEL KIND…

Prints the number of each version. `careful` fills in what a patient's record lacks; `careless` fails on such a patient.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

KINDS = {
    "careful": lambda: make_pipeline(SimpleImputer(), Ridge()),
    "better": lambda: make_pipeline(SimpleImputer(), Ridge(alpha=0.1)),
    "careless": Ridge,
}


def main(model: str, kinds: list[str]) -> None:
    frame = load_diabetes(as_frame=True).frame
    measured, progression = frame.drop(columns="target"), frame["target"]
    mlflow.set_experiment(model)
    for kind in kinds:
        with mlflow.start_run():
            fitted = KINDS[kind]().fit(measured, progression)
            logged = mlflow.sklearn.log_model(
                fitted,
                name="model",
                signature=mlflow.models.infer_signature(measured, fitted.predict(measured)),
                input_example=measured.head(2),
                registered_model_name=model,
                skops_trusted_types=["numpy.dtype"],
                pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "skops")],
            )
        print(logged.registered_model_version, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

"""The progression of diabetes after a year, from ten measurements."""

import os
import time
from importlib.metadata import version
from pathlib import Path

import mlflow
import pandas as pd
from sklearn.linear_model import Ridge

ALPHA = float(os.environ.get("PARAM_ALPHA", "1.0"))
here = Path(os.environ["SOLOIST_RUN_STORAGE"])


def mark(word: str) -> None:
    with (here / "marks.txt").open("a") as marks:
        marks.write(f"train {os.environ['SOLOIST_ATTEMPT']} {word} {time.time():.1f}\n")


mark("begins")
patients = pd.read_csv(here / "patients.csv")
measured, progression = patients.drop(columns="target"), patients["target"]
model = Ridge(alpha=ALPHA).fit(measured, progression)
predicted = model.predict(measured)
mae = float((progression - predicted).abs().mean())
with mlflow.start_run():
    mlflow.log_metric("mae", mae)
    mlflow.sklearn.log_model(
        model,
        name="model",
        signature=mlflow.models.infer_signature(measured, predicted),
        input_example=measured.head(2),
        pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "skops")],
    )
    mark("ends")
    mlflow.log_text((here / "marks.txt").read_text(), "marks.txt")
print(f"MAE {mae:.1f}")

"""The progression of diabetes after a year, from ten measurements: 442 patients that come with scikit-learn."""

from importlib.metadata import version

import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

patients, progression = load_diabetes(return_X_y=True, as_frame=True)
seen, unseen, known, truth = train_test_split(patients, progression, random_state=0)
model = RidgeCV().fit(seen, known)
predicted = model.predict(unseen)

with mlflow.start_run():
    mlflow.log_metric("mae", mean_absolute_error(truth, predicted))
    mlflow.log_metric("baseline_mae", float((truth - known.median()).abs().mean()))
    mlflow.sklearn.log_model(
        model,
        name="model",
        signature=mlflow.models.infer_signature(unseen, predicted),
        input_example=unseen.head(2),
        pip_requirements=[f"{name}=={version(name)}" for name in ("scikit-learn", "skops")],
    )

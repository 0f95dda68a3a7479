"""Learn arrival delays from January to September, tune on October, and measure on November and December."""

import os
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor, early_stopping
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

ROUNDS = int(os.environ.get("PARAM_ROUNDS", "200"))
LEARNING_RATE = float(os.environ.get("PARAM_LEARNING_RATE", "0.05"))
LEAVES = int(os.environ.get("PARAM_LEAVES", "31"))

TEXTS = ["carrier", "origin", "dest"]
NUMBERS = [
    "distance", "weekday", "departure_minute", "scheduled_minutes", "plane_year", "seats", "engines", "temp",
    "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib",
]  # fmt: skip
TARGET = "arr_delay"

# MLflow saves scikit-learn models in a format that runs no code on loading, and asks which types we trust.
TRUSTED = [
    "collections.OrderedDict", "collections.defaultdict", "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMRegressor", "numpy.dtype",
]  # fmt: skip


def read() -> pd.DataFrame:
    flights = pd.read_parquet(Path(os.environ["SOLOIST_RUN_STORAGE"]) / "flights")
    # A number may be missing when we are asked, so all are floats; a text is never missing.
    return flights.astype(dict.fromkeys(NUMBERS, "float64"))


def baseline(train: pd.DataFrame, test: pd.DataFrame) -> np.ndarray:
    """What a table on paper would say: the median delay of the carrier in that hour of the day."""
    keys = ["carrier", "hour"]
    table = train.assign(hour=train["departure_minute"] // 60).groupby(keys)[TARGET].median()
    asked = pd.MultiIndex.from_frame(test.assign(hour=test["departure_minute"] // 60)[keys])
    return table.reindex(asked).fillna(train[TARGET].median()).to_numpy()


def errors(truth: pd.Series, predicted: np.ndarray) -> tuple[float, float]:
    difference = truth.to_numpy() - predicted
    return float(np.abs(difference).mean()), float(np.sqrt((difference**2).mean()))


def fit(train: pd.DataFrame, validation: pd.DataFrame):
    encode = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), TEXTS),
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    model = LGBMRegressor(
        objective="l1",
        n_estimators=ROUNDS,
        learning_rate=LEARNING_RATE,
        num_leaves=LEAVES,
        min_child_samples=200,  # a leaf of few flights learns one storm by heart
        n_jobs=0,  # as many threads as OpenMP is told to start, here and where the model is served
        verbosity=-1,
    )
    model.fit(
        encode.fit_transform(train[TEXTS + NUMBERS]),
        train[TARGET],
        eval_X=encode.transform(validation[TEXTS + NUMBERS]),
        eval_y=validation[TARGET],
        categorical_feature=list(range(len(TEXTS))),
        callbacks=[early_stopping(40, verbose=False)],
    )
    return make_pipeline(encode, model), model.best_iteration_


def main() -> None:
    flights = read()
    train = flights[flights["month"] <= 9]
    validation = flights[flights["month"] == 10]
    test = flights[flights["month"] >= 11]
    model, rounds = fit(train, validation)

    mae, rmse = errors(test[TARGET], model.predict(test[TEXTS + NUMBERS]))
    validation_mae, _ = errors(validation[TARGET], model.predict(validation[TEXTS + NUMBERS]))
    baseline_mae, baseline_rmse = errors(test[TARGET], baseline(train, test))
    metrics = {
        "mae": mae,
        "rmse": rmse,
        "validation_mae": validation_mae,
        "baseline_mae": baseline_mae,
        "baseline_rmse": baseline_rmse,
        "training_median": float(train[TARGET].median()),  # what is answered when no model can
        "rounds_used": rounds,
        "test_rows": len(test),
    }
    example = test[TEXTS + NUMBERS].dropna().head(2).reset_index(drop=True)
    with mlflow.start_run():
        mlflow.log_metrics(metrics)
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=mlflow.models.infer_signature(example, model.predict(example)),
            input_example=example,
            skops_trusted_types=TRUSTED,
            # Named here, because finding them out would start another Python for several seconds.
            pip_requirements=[
                f"{name}=={version(name)}" for name in ("lightgbm", "scikit-learn", "skops")
            ],
        )
    print(f"MAE {mae:.2f} minutes on November and December; the table on paper {baseline_mae:.2f}.")


if __name__ == "__main__":
    main()

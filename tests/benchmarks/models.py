"""Trains the models; run by every peer's own Python, because a model file belongs to the versions that wrote it."""

import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

MODELS = {
    "logistic": lambda: LogisticRegression(max_iter=1000),
    "forest": lambda: RandomForestClassifier(100, random_state=0),
}


def train(name: str):
    """From arrays: a peer that needs no pandas isn't made to import it, and nobody warns of names at every request."""
    return MODELS[name]().fit(*load_iris(return_X_y=True))


def main() -> None:
    folder, flavors = Path(sys.argv[1]), sys.argv[2:]
    for name in MODELS:
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        joblib.dump(train(name), target / "model.joblib")
        if "mlflow" in flavors:
            save_for_mlflow(name, target / "mlflow")
    if "onnx" in flavors:
        save_as_onnx(train("logistic"), folder / "onnx" / "mlflow")


def save_for_mlflow(name: str, folder: Path) -> None:
    import mlflow.sklearn
    from mlflow.models import infer_signature

    if folder.exists():
        return
    x, y = load_iris(return_X_y=True, as_frame=True)
    model = MODELS[name]().fit(x, y)
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=infer_signature(x, model.predict(x)),
        input_example=x[:2],
        pip_requirements=[],
        serialization_format="skops",
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )


def save_as_onnx(model, folder: Path) -> None:
    import mlflow.onnx
    from mlflow.models import infer_signature
    from skl2onnx import to_onnx

    if folder.exists():
        return
    x, _ = load_iris(return_X_y=True, as_frame=True)
    graph = to_onnx(model, x.to_numpy()[:1].astype("float32"), options={"zipmap": False})
    del graph.graph.output[1:]  # labels only, as the others answer
    mlflow.onnx.save_model(
        graph, folder, signature=infer_signature(x), input_example=x[:2], pip_requirements=[]
    )


if __name__ == "__main__":
    main()

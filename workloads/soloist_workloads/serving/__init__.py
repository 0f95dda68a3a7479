"""The serving runtime: one MLflow model behind HTTP.

    request ─▶ app ─▶ lane (bounded, worker threads) ─▶ answerer ─▶ matrix of numbers ──────────────────▶ model
                                                          └─▶ protocol v1 or v2 ─▶ scorer ─▶ table ─▶ model
    signals ─▶ server ─▶ drain

`loading` chooses the scorer: scikit-learn, LightGBM, XGBoost and ONNX models are loaded by `flavors`, without importing
`mlflow`; every other model goes through `mlflow.pyfunc` and mlflow's own scoring code, in a process of its own
(`worker`, kept by `attendant`).
"""

"""The serving runtime: one MLflow model behind HTTP.

    request ─▶ app ─▶ lane (bounded, worker threads) ─▶ protocol v1 or v2 ─▶ scorer ─▶ model
                                                          │  signature plan, else the careful path
    signals ─▶ server ─▶ drain

`loading` chooses the scorer: scikit-learn and LightGBM are loaded without importing `mlflow`; every other model
goes through `mlflow.pyfunc` and mlflow's own scoring code.
"""

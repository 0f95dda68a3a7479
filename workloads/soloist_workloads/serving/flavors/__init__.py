"""Models loaded by their own library, without mlflow: a file per flavor, each answering as mlflow's flavor does.

Every file has one function, `load`, which returns a `Native`. `tests/workloads` compares each with mlflow's answers.
"""

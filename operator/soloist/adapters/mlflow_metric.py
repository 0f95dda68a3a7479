"""One metric of one run, as MLflow's REST API tells it."""

from __future__ import annotations

from soloist.adapters.mlflow_rest import Missing, MLflowRest
from soloist.core.metric import LoggedMetric


async def read_metric(rest: MLflowRest, run_id: str, metric: str) -> LoggedMetric:
    """A version without a run, or whose run was removed for good, logged nothing."""
    if not run_id:
        return LoggedMetric("", None)
    try:
        run = (await rest.get("runs/get", run_id=run_id))["run"]
    except Missing:
        return LoggedMetric(run_id, None)
    values = {one["key"]: float(one["value"]) for one in run["data"].get("metrics", ())}
    return LoggedMetric(run_id, values.get(metric))

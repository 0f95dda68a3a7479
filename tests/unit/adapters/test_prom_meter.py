"""The page that Prometheus reads."""

from __future__ import annotations

from soloist.adapters.prom_meter import PromMeter


def test_every_number_of_the_loop_is_on_the_page() -> None:
    meter = PromMeter()
    meter.reconciled("Run", "Failed", "QuotaExceeded", 0.02)
    meter.reconciled("Run", "Done", "", 0.01)
    meter.acted("create", "RayJob")
    meter.depth(3)
    meter.leads(True)
    page = meter.page().decode()
    for line in (
        'soloist_reconcile_total{kind="Run",outcome="Failed",reason="QuotaExceeded"} 1.0',
        'soloist_reconcile_errors_total{kind="Run",reason="QuotaExceeded"} 1.0',
        'soloist_reconcile_seconds_count{kind="Run"} 2.0',
        'soloist_api_calls_total{kind="RayJob",verb="create"} 1.0',
        "soloist_queue_depth 3.0",
        "soloist_leader 1.0",
    ):
        assert line in page

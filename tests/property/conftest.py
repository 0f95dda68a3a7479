"""A busy machine is no fault of the code: examples take the time they take, and there are as many as always."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "soloist",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("soloist")

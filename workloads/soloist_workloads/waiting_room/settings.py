"""What the operator hands to a waiting room."""

from __future__ import annotations

from dataclasses import dataclass

from soloist_workloads.environment import (
    SOLOIST_CHAMPION,
    SOLOIST_HELD_PORT,
    SOLOIST_PORT,
    SOLOIST_WAIT_SECONDS,
    Environment,
    SettingsError,
    integer,
    required,
)


@dataclass(frozen=True, slots=True)
class WaitingSettings:
    """The room beside a gateway where requests wait for the champion's first pod."""

    host: str
    port: int
    """Where the champion's ready pods answer."""
    seconds: float
    """How long a request may wait."""
    own_port: int
    held_port: int
    """Where it tells how many do."""


def parse_waiting(env: Environment) -> WaitingSettings:
    host, _, port = required(env, SOLOIST_CHAMPION).rpartition(":")
    if not host or not port.isdecimal():
        raise SettingsError(f"{SOLOIST_CHAMPION} must be a host and a port.")
    return WaitingSettings(
        host=host,
        port=int(port),
        seconds=float(integer(env, SOLOIST_WAIT_SECONDS, default=60)),
        own_port=integer(env, SOLOIST_PORT, default=8081),
        held_port=integer(env, SOLOIST_HELD_PORT, default=9903),
    )

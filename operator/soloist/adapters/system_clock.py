"""The port `Clock` on the machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The present moment."""

    def now(self) -> datetime:
        return datetime.now(UTC)

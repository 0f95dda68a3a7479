"""Log lines as JSON: one object per line, a constant message, everything that varies in fields."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# kopf logs each event's way through its own machinery; what we do with an event is said by us.
_QUIET = ("kopf", "aiohttp", "asyncio", "urllib3")


# It looks at all kinds anew whenever a CRD changes, and says each time which ones the cluster lacks: tens of lines
# while somebody installs the Gateway API.
_REPEATS = "kopf._core.reactor.observation"


class Changed(logging.Filter):
    """Lets a message pass that isn't the one before."""

    _last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        last, self._last = self._last, record.getMessage()
        return self._last != last


class JsonLines(logging.Formatter):
    """One JSON object per record; what was given as `extra` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            key: value
            for key, value in record.__dict__.items()
            if key not in _STANDARD and isinstance(value, str | int | float | bool | None)
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(level: str) -> None:
    """To standard error, from `level` up; libraries from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns that signals are ours: they are meant to be.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    logging.getLogger(_REPEATS).addFilter(Changed())

"""When the clock starts a Run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from soloist.api import cron


class InvalidSchedule(ValueError):
    """The schedule or its time zone can't be read; the message says which and what would be right."""


@dataclass(frozen=True, slots=True)
class Due:
    """The last time that was due (None: none since `since`), and the next one (None: never again)."""

    last: datetime | None
    following: datetime | None


def due(expression: str, time_zone: str | None, since: datetime, now: datetime) -> Due:
    """The times of the schedule around `now`, in UTC, that come after `since`.

    Daylight saving is cron's: a time that the clocks skip runs just after, one that they repeat runs once.
    """
    zone = _zone(time_zone)
    text = cron.WORDS.get(expression, expression)
    try:
        # Backwards from now: after a year of silence, one step finds the last time, not half a million.
        # A time that is due exactly now counts as past, hence the step forward first.
        following = _following(text, now, zone)
        earlier = CronSim(text, (following or now).astimezone(zone), reverse=True)
        last = next(earlier, None)
    except CronSimError as error:
        raise InvalidSchedule(
            f"Schedule {expression!r} can't be read as a cron expression ({error}). Write five"
            " fields such as '0 3 * * *' in spec.schedule."
        ) from error
    is_new = last is not None and last > since
    return Due(
        last.astimezone(UTC) if last is not None and is_new else None,
        following,
    )


def _following(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The next time after `now`. CronSim counts on the clock's face: in the hour that is repeated in autumn it names
    times of the first pass, which are over."""
    times = (time.astimezone(UTC) for time in CronSim(text, now.astimezone(zone)))
    return next((time for time in times if time > now), None)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    # OSError: `Europe` alone is a folder of the time zone database.
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidSchedule(
            f"Time zone {name!r} is not known. Write one such as Europe/Berlin in spec.timeZone."
        ) from error

"""The schedules that we accept: cron's five fields with cron's bounds, or one of its words."""

from __future__ import annotations

from soloist.api.forms import Form

WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = "[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][RrYy]|[Aa][Pp][Rr]|[Jj][Uu][NnLl]|[Aa][Uu][Gg]|[Ss][Ee][Pp]|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc]"
_DAYS = "[Ss][Uu][Nn]|[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt]"


def _field(value: str, *special: str) -> str:
    """One field: `*`, values and ranges, each with an optional step, in a list. `special` items stand alone."""
    value = f"(?:{value})"
    item = "|".join([rf"(?:\*|{value}(?:-{value})?)(?:/0*[1-9][0-9]?)?", *special])
    return f"(?:{item})(?:,(?:{item}))*"


# No bound looks into ranges (30-10) or months (31 February): the operator, which computes the times, says those.
_FIELDS = (
    _field("0?[0-9]|[1-5][0-9]"),
    _field("0?[0-9]|1[0-9]|2[0-3]"),
    _field("0?[1-9]|[12][0-9]|3[01]", "L", "LW"),
    _field(f"0?[1-9]|1[0-2]|{_MONTHS}"),
    _field(f"0?[0-7]|{_DAYS}", f"(?:0?[0-7]|{_DAYS})#[1-5]", "[0-7]L"),
)
PATTERN = rf"^(?:{'|'.join(WORDS)}|{' +'.join(_FIELDS)})$"
FORM = Form(
    "a cron expression: write minute, hour, day of month, month and day of week, such as '0 3 * * *' (every day"
    " at three), or @hourly, @daily, @weekly, @monthly",
    (PATTERN,),
)

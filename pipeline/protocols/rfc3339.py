"""Moments as Ollama writes them (RFC 3339), and as events hold them (Unix seconds).

Law of this file: arithmetic on calendars alone; a pure file has no clock, and needs none.
"""

import re
from calendar import timegm

_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))")
_DAY = 86_400


def unix_seconds(moment: str) -> int | None:
    """Whole seconds since 1970 in UTC; None for what is no moment, or lies before 1970.

    >>> unix_seconds("2026-11-20T10:00:00.123456789+02:00")
    1795161600
    """
    found = _MOMENT.fullmatch(moment)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if not 1 <= month <= 12 or not 1 <= day <= 31 or year == 0:  # noqa: PLR2004 - months and days of a calendar
        return None
    sign, hours, minutes = found.groups()[6:]
    offset = (int(hours) * 60 + int(minutes)) * 60 if sign else 0
    seconds = timegm((year, month, day, hour, minute, second)) - (-offset if sign == "-" else offset)
    return seconds if seconds >= 0 else None


def moment_of(seconds: int) -> str:
    """The moment, in UTC; `seconds` since 1970, not negative.

    >>> moment_of(1795161600)
    '2026-11-20T08:00:00Z'
    """
    days, rest = divmod(seconds, _DAY)
    year, month, day = _date(days)
    hours, minutes = divmod(rest // 60, 60)
    return f"{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{rest % 60:02}Z"


def _date(days: int) -> tuple[int, int, int]:
    """Days since 1970 as a date: counted in years that begin in March, so that the leap day is the last."""
    days += 719_468  # from 1 March of the year 0
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    after = month >= 10  # noqa: PLR2004 - January and February belong to the next year
    return year + era * 400 + after, month - 9 if after else month + 3, day

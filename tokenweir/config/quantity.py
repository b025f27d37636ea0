"""A quantity that was written with its unit, as the number that the key takes.

Law of this file: pure; the end of a key's name says what is counted.
"""

import re
from collections.abc import Mapping

_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?([A-Za-z]{1,7})")
_SECONDS: Mapping[str, float] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    "ms": 0.001,
}
_BYTES: Mapping[str, float] = {
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    **dict.fromkeys(("k", "kib"), 1024),
    **dict.fromkeys(("m", "mib"), 1024**2),
    **dict.fromkeys(("g", "gib"), 1024**3),
}


def quantity(name: str, value: object) -> str:
    """The end of a sentence: what the value is as a number. Empty where it is no quantity.

    >>> quantity("timeout_secs", "5s"), quantity("max_body_bytes", "10 MiB"), quantity("port", "5s")
    (': seconds as a number: 5', ': bytes as a number: 10485760', '')
    """
    called = "seconds" if name.endswith("_secs") else "bytes" if name.endswith("_bytes") else None
    found = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if called is None or found is None:
        return ""
    unit = (_SECONDS if called == "seconds" else _BYTES).get(found[2].lower())
    return "" if unit is None else f": {called} as a number: {float(found[1]) * unit:.12g}"

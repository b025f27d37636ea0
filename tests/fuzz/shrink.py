"""Making an input smaller while it goes on breaking the same law.

Law of this file: it knows nothing of what an input means, and stops when its time is over.
"""

from collections.abc import Callable
from time import perf_counter


def shrunk(data: bytes, breaks: Callable[[bytes], bool], seconds: float) -> bytes:
    """The smallest input found in so many seconds by leaving parts out.

    >>> shrunk(b"some words and an x in them", lambda data: b"x" in data, 5.0)
    b'x'
    """
    end = perf_counter() + seconds
    size = len(data) // 2
    while size:
        at = 0
        while at < len(data) and perf_counter() < end:
            fewer = data[:at] + data[at + size :]
            if breaks(fewer):
                data = fewer
            else:
                at += size
        size = size // 2 if perf_counter() < end else 0
    return data

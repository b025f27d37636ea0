"""Named deadlines, one per phase (PROMISES P15): none is hidden, and each is its own error.

Law of this file: the names, the defaults and their checks. A deadline runs only while a stream waits
for the backend, never while a slow consumer keeps it.
"""

import math

from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure


class Deadlines(Struct, frozen=True):
    """Seconds; None for no deadline.

    `connect`: until there is a connection. `first_token`: from the request to the first content; a
    model may load in silence meanwhile, and some servers send no header before it is loaded, so there
    is no separate deadline for headers. `silence`: no byte at all, once content has come (keep-alives
    count). `between_tokens`: no content (keep-alives do not count). `total`: the whole stream.

    Raises MisuseError for a number that is not positive and finite.
    """

    connect: float | None = 5.0
    first_token: float | None = 300.0
    silence: float | None = 60.0
    between_tokens: float | None = 120.0
    total: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not _is_time(value):
                msg = f"Deadlines({name}={value!r}): seconds above 0, or None for no deadline"
                raise MisuseError(msg)


def _is_time(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value > 0 and math.isfinite(value)


LOCAL = Deadlines()
"""For backends on the user's own machines: a large model may take minutes to load."""

HOSTED = Deadlines(first_token=120.0)
"""For hosted APIs, whose models are loaded."""

WAITED_FOR = {
    "silence": ("any byte", "The backend hangs, or the network is cut."),
    "between_tokens": (
        "the next token",
        "The backend is there, and sends nothing of its answer.",
    ),
    "total": ("the end of the answer", "A shorter answer comes sooner."),
}
"""Deadline -> what was being waited for, and what it means or what can be done about it."""


def late(name: str, seconds: float, what: str, hint: str = "") -> Failure:
    """The failure of a deadline that passed after so many seconds of waiting for something.

    >>> late("silence", 60.0, "any byte", "The backend hangs.").message
    'waited 60 s for any byte. The backend hangs. Allow more with Deadlines(silence=...)'
    """
    said = " ".join(filter(None, (f"waited {seconds:g} s for {what}.", hint)))
    return Failure("timeout", f"{said} Allow more with Deadlines({name}=...)", name)

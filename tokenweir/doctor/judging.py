"""What every judge says in the same words.

Law of this file: pure; how a finding is made, and how a failure is told in one.
"""

from tokenweir.doctor.hearing import Heard
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.sources.profile import Finding

_SHOWN = 160
"""Characters of a backend's own words that stand in a finding."""


def ok(name: str, said: str) -> Finding:
    """As it should be."""
    return Finding(name, "ok", said)


def odd(name: str, said: str, does: str) -> Finding:
    """Not as it should be, and tokenweir sees to it."""
    return Finding(name, "odd", said, does)


def bad(name: str, said: str, does: str) -> Finding:
    """Harm that nobody behind the backend can undo."""
    return Finding(name, "bad", said, does)


def unknown(name: str, said: str, does: str = "") -> Finding:
    """It did not show."""
    return Finding(name, "unknown", said, does)


def told(failure: Failure | None) -> str:
    """A failure in a few words."""
    if failure is None:
        return "nothing was told"
    return f"{failure.kind}: {brief(failure.message)}"


def brief(text: str) -> str:
    r"""A backend's own words on one line, and not many of them.

    >>> brief("no\n  such   model")
    'no such model'
    """
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def count(number: int, what: str) -> str:
    """So many of something.

    >>> count(1, "chunk"), count(2, "chunk")
    ('1 chunk', '2 chunks')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def seconds(value: float) -> str:
    """A time for people.

    >>> seconds(0.0123), seconds(12.34)
    ('0.01 s', '12.3 s')
    """
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"  # noqa: PLR2004 - where hundredths stop to matter


def how_ended(heard: Heard) -> str:
    """How an answer ended that is not whole."""
    return {
        "broken": f"the connection broke ({told(heard.failure)})",
        "late": f"silence: it was left after {seconds(heard.seconds)}",
        "large": f"more than {len(heard.body) - 1:,} bytes: it was left",
    }.get(heard.ended, "the body ended")

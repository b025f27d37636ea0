"""The failure kinds as exceptions: whose fault it is stands in the type.

TokenweirError
├── MisuseError           yours: a wrong option, a wrong order of stages, a stream read twice
│   └── CannotError         what this backend cannot do at all
├── StageError            a stage's own bug (ours, or a third party's): never the peer's fault
└── StreamError           a stream ended in anything but `complete`; .end .failure .partial
    ├── RequestError        your request: auth, bad_request, context_length, model_not_found
    ├── BusyError           the backend, for now: model_loading, overloaded, rate_limited, shutting_down
    ├── UnreachableError    nobody answered: connect
    ├── DeadlineError       it took longer than you allowed: timeout (.failure.phase says what)
    ├── BackendError        the backend: model_crashed, upstream, protocol, producer_lost, resume_gap
    │   └── TruncatedError    it stopped before the end: truncated
    ├── LimitError          a bound of ours: limit
    └── SinkError           the receiver: sink
        └── ReceiverLeftError   it went away, which is nobody's fault: cancelled

Law of this file: types and the one table from kind to type; nothing here does I/O or holds a
backend's exception (those carry credentials, PITFALLS of aiohttp: `repr` of its errors shows headers).
"""

from typing import Any

from tokenweir.pipeline.events import End, Failure, FailureKind


class TokenweirError(Exception):
    """The root: catch this to catch everything that tokenweir raises on purpose."""


class MisuseError(TokenweirError):
    """Wrong use, answered where it happens, with the right use in the message."""


class CannotError(MisuseError):
    """What was asked is nothing that the backend can do; asking again will not help."""


class StageError(TokenweirError):
    """A stage broke. What was decoded before it has been delivered."""


class StreamError(TokenweirError):
    """A stream did not end `complete`.

    `failure` says why, `end` is the stream's `End`, and `partial` is what a gathering call had so
    far: the text for `.text()`, the report for `.run()`, None for iteration (you have the events).
    """

    def __init__(self, failure: Failure, end: End | None = None, partial: Any = None) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.end = end
        self.partial = partial

    def __str__(self) -> str:
        return f"{self.failure.kind}: {self.failure.message}"


class RequestError(StreamError):
    """The backend refused the request as it is; the same request will fail again."""


class BusyError(StreamError):
    """The backend cannot serve now; the same request may succeed later."""


class UnreachableError(StreamError):
    """Nobody answered at the address."""


class DeadlineError(StreamError):
    """A named deadline passed; `failure.phase` says what was being waited for."""


class BackendError(StreamError):
    """The backend failed, or sent what cannot be read."""


class TruncatedError(BackendError):
    """The backend stopped before the end of its answer."""


class LimitError(StreamError):
    """A bound of ours was reached; the message names it."""


class SinkError(StreamError):
    """The receiver failed."""


class ReceiverLeftError(SinkError):
    """The receiver went away. `failure.kind` is `cancelled`: there is nobody left to stream to, and
    nothing to repair."""

    def __init__(self, message: str) -> None:
        super().__init__(Failure("cancelled", message))


_BY_KIND: dict[FailureKind, type[StreamError]] = {
    "connect": UnreachableError,
    "timeout": DeadlineError,
    "auth": RequestError,
    "bad_request": RequestError,
    "context_length": RequestError,
    "model_not_found": RequestError,
    "model_loading": BusyError,
    "overloaded": BusyError,
    "rate_limited": BusyError,
    "shutting_down": BusyError,
    "truncated": TruncatedError,
    "limit": LimitError,
    "sink": SinkError,
}


def error_for(end: End, partial: Any = None) -> TokenweirError:
    """The exception that belongs to an `End` whose outcome is not `complete`."""
    failure = end.failure or Failure("truncated", f"the stream ended {end.outcome}")
    if failure.kind == "stage":
        return StageError(failure.message)
    return _BY_KIND.get(failure.kind, BackendError)(failure, end, partial)

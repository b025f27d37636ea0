"""Which models of a source are answering now.

Law of this file: it notices, and keeps nobody alive. A stream shows itself once, when it sends its request;
what keeps models warm looks here, so that it never stands in a stream's way (PROMISES P23).
"""

from threading import Lock
from typing import Protocol
from weakref import WeakSet


class Answering(Protocol):
    """A stream, as far as this is concerned."""

    @property
    def asked_model(self) -> str | None:
        """The model that is asked now, or None where the backend chooses."""
        ...

    def asks(self, source: object) -> bool:
        """Whether a request of its is with that source, and not over."""
        ...


class Watcher(Protocol):
    """Who wants to know when a stream begins."""

    def stream_began(self, stream: Answering) -> None:
        """A stream is about to send its request, on whatever thread that is."""
        ...


class Activity:
    """The streams of one source that are under way. Streams on several threads may use it at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._streams: WeakSet[Answering] = WeakSet()
        self._watchers: list[Watcher] = []

    def began(self, stream: Answering) -> None:
        """A stream is about to send its request."""
        with self._lock:
            self._streams.add(stream)
            watchers = tuple(self._watchers)
        for watcher in watchers:
            watcher.stream_began(stream)

    def streams(self, source: object) -> list[Answering]:
        """Those whose request is still with the source that this belongs to."""
        with self._lock:
            known = list(self._streams)
        return [stream for stream in known if stream.asks(source)]

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher of every stream from now on."""
        with self._lock:
            self._watchers.append(watcher)

    def forget(self, watcher: Watcher) -> None:
        """Tell it of none any more."""
        with self._lock:
            self._watchers.remove(watcher)

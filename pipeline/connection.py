"""Connection and Transport: what a stream needs of a network.

Law of this file: contracts and values; no library of any network. aiohttp stands behind them in
transport.py and aiohttp_connection.py; tests and trio users bring their own (tokenweir.testing is
one).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from msgspec import Struct

from tokenweir.pipeline.events import Failure


class HTTPRequest(Struct, frozen=True):
    """What to send. `headers` may hold credentials: this value is never logged."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<HTTPRequest {self.method} {origin(self.url)}>"


class DeadlinePassed(Exception):  # noqa: N818 - a signal between connection and stream, never shown
    """`Connection.deadline` passed while a read waited."""


class Connection(Protocol):
    """One request and its answer.

    `read` gives the next bytes as they come, and `b""` at the end of the body. Its first call sends
    the request and gives None when the headers have come. It is safe to cancel: nothing is lost, the
    next call goes on. A read that waits past `deadline` (on the event loop's clock; infinite until
    the first content) raises DeadlinePassed; one that waits while another task closes raises too.

    A connection that can serve another request also has `release()`, called in the place of `close`
    when the backend has had its last word.
    """

    @property
    def deadline(self) -> float:
        """Until when a read may wait; the stream sets it before each read, and to infinity after."""
        ...

    @deadline.setter
    def deadline(self, value: float) -> None: ...

    @property
    def status(self) -> int | None:
        """The HTTP status, once the headers have come."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers; their names compare without case."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the peer has accepted the connection."""
        ...

    @property
    def armed(self) -> float:
        """Until when a passed deadline is noticed without `arm`."""
        ...

    @property
    def read(self) -> Callable[[], Awaitable[bytes | None]]:
        """The next bytes; None when the headers have come, and nothing else yet."""
        ...

    def arm(self) -> None:
        """Called when `deadline` is earlier than `armed`: make sure that it will be noticed."""
        ...

    def rescue(self) -> bytes:
        """After a failed read: what had arrived before the fault."""
        ...

    def failure(self, fault: Exception) -> Failure | None:
        """What an exception of `read` means; None if it is not the connection's."""
        ...

    def close(self) -> None:
        """Let go at once, without waiting; the peer sees the end of the connection."""
        ...


class Transport(Protocol):
    """Opens connections."""

    def open(self, request: HTTPRequest, connect: float | None) -> Connection:
        """A connection that has sent nothing yet; `connect` bounds connecting, in seconds."""
        ...

    async def aclose(self) -> None:
        """Close what is pooled."""
        ...


def origin(url: str) -> str:
    """Scheme, host and port: the part of a URL that can hold no secret once userinfo is refused."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.split('/', 1)[0].rpartition('@')[2]}"

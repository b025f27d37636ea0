"""The deadline of a write, which only a peer that takes nothing can pass.

Law of this file: it knows a socket's figures, and nothing of what is written. A clock around a whole
write would cut readers that are slow but alive; what counts is whether the peer's side has accepted
a byte lately. One lazy timer per watch looks once a second while a write waits, so that a write that
need not wait costs a scope and no more. It runs on asyncio, as aiohttp does.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable
from typing import Any, Protocol

import anyio

from tokenweir.pipeline.errors import MisuseError, SinkError
from tokenweir.pipeline.events import Failure

WRITE_TIMEOUT = 30.0
"""Seconds without a byte accepted after which a reader counts as dead."""

LOOK = 1.0
"""Seconds between two looks at a write that waits; a tenth of shorter limits."""

_TCP_INFO = getattr(socket, "TCP_INFO", None)
_BYTES_ACKED = 120  # where Linux keeps tcpi_bytes_acked in struct tcp_info (since 4.1)


class HasSocket(Protocol):
    """Tells of its connection, as aiohttp's websockets and requests do."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The connection's "socket"."""
        ...


class WriteWatch:
    """Bounds writes to one peer.

    Progress is what the peer's kernel has acknowledged, where the system tells (Linux, TCP). Else a
    single write, at most what its sender buffers, has to be through within the limit.
    """

    def __init__(self, connection: HasSocket | None, limit: float = WRITE_TIMEOUT) -> None:
        if not limit > 0:
            raise MisuseError(f"write_timeout={limit!r}: seconds, more than 0")
        self._connection = connection
        self._limit = limit
        self._look = min(LOOK, limit / 10)
        self._timer: asyncio.TimerHandle | None = None
        self._scope: anyio.CancelScope | None = None
        self._accepted: int | None = None
        self._looks = 0  # without progress: a loop that was blocked has looked once, however long it took

    async def write(self, write: Awaitable[object]) -> None:
        """Await the write. Raises SinkError of kind `timeout`, phase `write`, where the peer is dead, and
        of kind `sink` where an earlier write was left halfway: nobody can wait for the rest of that."""
        loop = asyncio.get_running_loop()
        with anyio.CancelScope() as scope:
            self._scope, self._looks = scope, 0
            if self._timer is None:
                self._timer = loop.call_later(self._look, self._check)
            try:
                await write
            except asyncio.CancelledError:
                # aiohttp keeps the cancelled waiter of an earlier write and awaits it again.
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                raise SinkError(Failure("sink", "an earlier write to this receiver was cancelled")) from None
            else:
                return
            finally:
                self._scope = None
        message = f"the receiver took no byte for {self._limit:g} s; allow more with write_timeout=..."
        raise SinkError(Failure("timeout", message, "write"))

    def close(self) -> None:
        """No write will follow."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        """The timer has come: it is set again only while a write waits."""
        self._timer = None
        if self._scope is None:
            return
        accepted = acknowledged(self._connection)
        self._looks = self._looks + 1 if accepted == self._accepted else 1
        self._accepted = accepted
        # The first look, or that which saw progress, may have come right after it.
        if (self._looks - 1) * self._look >= self._limit:
            self._scope.cancel()
        else:
            self._timer = asyncio.get_running_loop().call_later(self._look, self._check)


def acknowledged(connection: HasSocket | None) -> int | None:
    """Bytes that the peer's kernel has acknowledged; None where nobody tells."""
    sock = connection.get_extra_info("socket") if connection is not None else None
    if sock is None or _TCP_INFO is None:
        return None
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _BYTES_ACKED + 8)
        return int(struct.unpack_from("=Q", told, _BYTES_ACKED)[0])
    except (OSError, AttributeError, struct.error):
        return None

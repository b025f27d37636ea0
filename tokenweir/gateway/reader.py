"""The client's side of one connection: whether it takes what waits for it.

Law of this file: the socket's own figures, and nothing of what is sent. A client that takes nothing for the
configured time is cut, one that is slow is not (PROMISES P14): what counts is whether its side has
acknowledged bytes. Nobody sets a timer: whoever waits is looked at once a second (see attendant.py).
"""

from asyncio import WriteTransport

from tokenweir.sinks.write_watch import acknowledged


class Reader:
    """Whoever takes what is written to a transport. It is `dead` once it has taken no byte for `patience`
    seconds, while something waited for it."""

    def __init__(self, transport: WriteTransport | None, patience: float) -> None:
        self.dead = False
        self.patience = patience
        self._transport = transport
        self._stuck_since: float | None = None
        self._taken: int | None = None

    def took_all(self) -> None:
        """Nothing waits any more."""
        self._stuck_since = None

    def look(self, now: float) -> None:
        """Something waits: whether anything was taken since the last look. Who is dead is cut."""
        taken = self._figure()
        if self._stuck_since is None or taken != self._taken:
            self._stuck_since, self._taken = now, taken
        elif now - self._stuck_since >= self.patience:
            self.dead = True
            if self._transport is not None:
                self._transport.abort()

    def _figure(self) -> int | None:
        """What changes with each byte that is taken. Where the system does not tell, it is what still waits:
        that changes by what is written as well, but whoever is alive is not cut."""
        taken = acknowledged(self._transport)
        if taken is None and self._transport is not None:
            return self._transport.get_write_buffer_size()
        return taken

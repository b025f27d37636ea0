"""The open response to one streaming client: headers, frames, heartbeats, and its end.

Law of this file: bytes to one client and the state of its connection; what the bytes say is decided
elsewhere. Frames of one network read go out as one write. Who takes none of it is cut (see reader.py).
"""

from aiohttp import web

from tokenweir.gateway.gateway import BEGUN
from tokenweir.gateway.reader import Reader
from tokenweir.pipeline.clock import running_clock
from tokenweir.sinks.sse import SSE_HEADERS

HEARTBEAT = b": ping\n\n"


class Wire:
    """An SSE response that is prepared when its first bytes are there.

    `heartbeat` is the longest silence that the client sees, `patience` how long it may take no byte, both in
    seconds. `written` counts what went out.
    """

    def __init__(self, request: web.Request, heartbeat: float, patience: float) -> None:
        self.response = web.StreamResponse(headers=SSE_HEADERS)
        self.open = False
        self.reader = Reader(request.transport, patience)
        self.written = 0
        self._request = request
        self._heartbeat = heartbeat
        self._clock = running_clock()
        self._spoke = self._clock()
        self._writing = self._over = False

    async def write(self, data: bytes) -> None:
        """Send bytes, the headers before the first ones. Raises ConnectionError where the client has left."""
        self._writing = True
        try:
            if not self.open:
                self.open = self._request[BEGUN] = True
                await self.response.prepare(self._request)
            self.written += len(data)
            await self.response.write(data)
        finally:
            self._writing = False
            self.reader.took_all()
            self._spoke = self._clock()

    async def end(self) -> None:
        """The clean end of the body: the last chunk, which a cut lacks (PROMISES P19). It waits until the
        client's side has taken what stands before it."""
        self._writing = self._over = True
        try:
            await self.response.write_eof()
        finally:
            self._writing = False

    def beat(self, now: float) -> None:
        """Look after the connection: called once a second."""
        if self._writing:
            self.reader.look(now)
        elif self.open and not self._over and now - self._spoke >= self._heartbeat - 0.5:
            self._spoke = now
            self._say()

    def _say(self) -> None:
        """A comment. Nothing is being written, so nothing stands halfway, and this fits the buffer."""
        coroutine = self.response.write(HEARTBEAT)
        try:
            coroutine.send(None)
        except StopIteration:
            pass
        except ConnectionError:
            return
        finally:
            coroutine.close()
        self.written += len(HEARTBEAT)

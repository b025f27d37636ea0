"""One answer: a backend's stream on its way to one client.

Law of this file: the order of things. A place, a stream, the first-content gate, frames, one true end. Until
the gate has opened, a failure is an HTTP status (PROMISES P7); after it, a frame of the wire. A client that
leaves cancels this, and the stream closes its backend at once (P10).

    a place ─> the gate ──────────────> frames ─────> the end: [DONE], or an error frame before it
               │ opens at content, at   │
               │ a phase, or in time    └ drain, limit: stopped from outside, told as an error
               └ fails: Refused, a real status
"""

from collections.abc import Sequence

import anyio
import anyio.lowlevel
import msgspec
from aiohttp import web

from tokenweir.gateway.admission import enter
from tokenweir.gateway.ask import Ask
from tokenweir.gateway.ending import broken_off, failure_of
from tokenweir.gateway.form import Form
from tokenweir.gateway.gateway import CLIENT, GATEWAY, NOTE, REQUEST_ID, SETUP
from tokenweir.gateway.live import Answer
from tokenweir.gateway.place import Place
from tokenweir.gateway.refused import Refused, bad_request
from tokenweir.gateway.refusing import refused_by_bug
from tokenweir.gateway.routing import Target, targets_of
from tokenweir.gateway.tried import Tried
from tokenweir.gateway.wire import Wire
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError, StageError
from tokenweir.pipeline.events import End, Event, Failure, Phase, Start, Stats
from tokenweir.pipeline.stream import Stream

OPEN_AFTER = 5.0
"""Seconds after which the gate opens though nothing has come: no client waits longer for its headers."""

LAST_WORDS = 2.0
"""Seconds that a client has for the end of an answer that was stopped from outside."""


async def answer(request: web.Request, ask: Ask, form: Form, endpoint: str) -> web.StreamResponse:
    """Give the answer. Raises Refused for what gets none."""
    gateway = request.app[GATEWAY]
    note = Answer(request[REQUEST_ID], endpoint, request.get(CLIENT), ask.model)
    exchange = Exchange(request, ask, form, note)
    enter(gateway, note, request[SETUP].config.limits)
    request[NOTE] = note
    try:
        with note.scope:
            return await exchange.run()
        return await exchange.stopped()
    except Refused as refused:
        note.failure, note.status = refused.failure, refused.status
        raise
    except BaseException as fault:
        exchange.left(fault)
        raise
    finally:
        exchange.leave()
        gateway.live.leave(note)


class Exchange:
    """One request that is being answered."""

    def __init__(self, request: web.Request, ask: Ask, form: Form, note: Answer) -> None:
        config = request[SETUP].config
        self._request = request
        self._setup = request[SETUP]
        self._ask = ask
        self._form = form
        self._note = note
        self._flows = ask.stream or form.gather is None
        self._beats = request.app[GATEWAY].beats
        self._wire = Wire(request, config.server.heartbeat_secs, config.limits.write_timeout_secs)
        self._clock = running_clock()
        self._opens = self._clock() + OPEN_AFTER
        self._targets: Sequence[Target] = ()
        self._place = Place(note, config.limits.queue_timeout_secs, self._send)
        self._stream: Stream | None = None
        self._body_bytes = 0
        self._ended = False  # the end has been written

    def leave(self) -> None:
        """Nobody looks after the connection any more, and what went out is counted."""
        self._beats.discard(self._wire.beat)
        self._note.wire_bytes = self._wire.written or self._body_bytes

    async def run(self) -> web.StreamResponse:
        """Answer, to the end. Raises Refused as long as that can be a status."""
        try:
            await self._answer()
        except Refused as refused:
            await self._break(refused, fresh=False)
        except MisuseError as wrong:  # what this backend's protocol has no form for
            await self._break(bad_request(str(wrong)), fresh=False)
        except StageError as bug:
            await self._break(Refused(Failure("stage", str(bug))), fresh=True)
        except ConnectionError:
            raise
        except Exception as bug:  # noqa: BLE001 - whoever made it, the client has a true end
            await self._break(refused_by_bug(self._note.request_id, bug), fresh=True)
        return await self._close()

    async def _answer(self) -> None:
        self._targets = await targets_of(self._setup, self._ask.model)
        first, model = self._targets[0]
        self._note.backend, self._note.model = first.name, model
        self._begin()
        if self._flows and self._form.greets:
            await self._send([])
        try:
            await self._place.take(first)
            self._stream = self._ask_backends()
            async with self._stream as stream:
                await self._flow(stream)
        finally:
            self._place.free()

    def _begin(self) -> None:
        served, model = self._targets[0]
        settings = served.settings.streaming
        self._named = self._form.named(self._note.request_id, model, self._ask, settings)
        self._encoder = self._form.encode(self._named) if self._flows else None
        gather = self._form.gather
        self._gatherer = gather(self._named) if gather is not None and not self._flows else None
        if self._flows:
            self._beats.add(self._wire.beat)

    def _ask_backends(self) -> Stream:
        """Raises Refused where a backend does not have what the request asks for."""
        ask = self._ask
        try:
            routes = [
                served.route(
                    ask.messages, model, ask.options, stream=self._flows, prompt=self._form.completes
                )
                for served, model in self._targets
            ]
        except MisuseError as wrong:
            raise bad_request(str(wrong)) from None
        backends, sources = [target.served for target in self._targets], [route.source for route in routes]
        self._tried, self._asked = Tried(backends, sources), self._clock()
        return Stream(routes[0], routes[1:], check=False)

    async def _flow(self, stream: Stream) -> None:
        async for batch in stream.batches():
            if self._note.first_token is None:
                self._look(stream, batch)
            self._tried.tell(batch)
            self._note.see(batch)
            if self._gatherer is not None:
                self._gatherer.feed(batch)
            elif self._wire.open or self._gate(batch):
                await self._send(batch)
            if self._note.first_token is None:
                await self._place.take(self._targets[len(self._tried.names) - 1].served)

    def _look(self, stream: Stream, batch: list[Event]) -> None:
        """Who answers, and as which model: a backend that does not say is the one that was asked. Nor does
        it say how long it has worked."""
        self._tried.look(batch)
        self._note.tried = self._tried.names
        for served, _ in self._targets[1:]:
            if stream.source in served.sources():
                self._note.backend = served.name
        waited = round(self._clock() - self._asked, 3)
        for at, event in enumerate(batch):
            if isinstance(event, Start) and event.model is None:
                batch[at] = msgspec.structs.replace(event, model=self._named.model)
            elif isinstance(event, Phase) and event.elapsed is None:
                batch[at] = msgspec.structs.replace(event, elapsed=waited)

    def _gate(self, batch: Sequence[Event]) -> bool:
        """Whether the client's answer begins with this batch. Raises Refused where there will be none."""
        end = self._note.end
        if end is not None and end.outcome != "complete" and self._note.first_token is None:
            raise Refused(failure_of(end))
        if any(not (isinstance(event, Phase) and event.name == "connecting") for event in batch):
            return True
        return self._clock() >= self._opens

    async def _send(self, batch: Sequence[Event]) -> None:
        """One write for one network read; the first one sends the headers, be there a frame or not."""
        if self._encoder is not None:
            data = b"".join(self._encoder.feed(batch))
            if data or not self._wire.open:
                await self._write(data)
            self._ended = self._note.end is not None

    async def _write(self, data: bytes) -> None:
        """A write that is stopped from outside is ended first: aiohttp cannot go on behind one that was cut
        short, and the client would have no true end."""
        note = self._note
        note.writing = True
        try:
            await self._wire.write(data)
        finally:
            note.writing = False
        if note.stopped is not None and note.end is None:
            note.scope.cancel()
            await anyio.lowlevel.checkpoint()

    async def _break(self, refused: Refused, *, fresh: bool) -> None:
        """A refusal that comes late is an error frame: from a fresh encoder, where the one in use broke."""
        if not self._wire.open or self._encoder is None:
            raise refused
        if fresh:
            self._encoder = self._form.encode(self._named)
            self._encoder.feed([])  # the greeting has been said
        self._note.see([end := End("error", refused.failure)])
        await self._send([end])

    async def _close(self) -> web.StreamResponse:
        note = self._note
        if self._gatherer is None:
            note.writing = True
            await self._wire.end()
            return self._wire.response
        if note.end is None or note.end.outcome != "complete":
            raise Refused(failure_of(note.end))
        body = msgspec.json.encode(self._gatherer.body())
        self._body_bytes = len(body)
        counted = {} if note.usage is None else {"X-Tokenweir-Usage": note.usage.source}
        return web.Response(body=body, content_type="application/json", headers=counted)

    async def stopped(self) -> web.StreamResponse:
        """The true end of an answer that was stopped from outside: its client can tell it from a cut."""
        failure = self._note.stopped or Failure("cancelled", "the answer was stopped")
        end = End("error", failure, self._stats())
        if self._wire.open or self._stream is not None:
            self._note.see([end])
        if not self._wire.open:
            raise Refused(failure, headers={"Connection": "close"})
        with anyio.move_on_after(LAST_WORDS, shield=True):
            await self._send([end])
            await self._close()
        return self._wire.response

    def left(self, fault: BaseException) -> None:
        """It was broken off; whoever leaves behind the end that was written has all of it."""
        if self._wire.reader.dead or not self._ended:
            self._note.see([broken_off(self._note, self._wire.reader, fault, self._stats())])

    def _stats(self) -> Stats:
        end = None if self._stream is None else self._stream.end
        return Stats() if end is None else end.stats

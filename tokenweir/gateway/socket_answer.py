"""One answer on a websocket: a backend's events as they come.

Law of this file: the same order as answer.py, without its gate and its frames: a place, a stream, one true
end. What fails before the stream is Refused, what fails in it is told by its `End`; no address of a backend
is told in either (PROMISES P24).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
from aiohttp import web

from tokenweir.gateway.admission import enter
from tokenweir.gateway.ask import Ask, read_chat
from tokenweir.gateway.ending import broken_off
from tokenweir.gateway.gateway import CLIENT, GATEWAY, new_request_id
from tokenweir.gateway.live import Answer
from tokenweir.gateway.place import Place
from tokenweir.gateway.reader import Reader
from tokenweir.gateway.refused import SHUTTING_DOWN, Refused, bad_request
from tokenweir.gateway.routing import Target, targets_of
from tokenweir.gateway.setup import Setup
from tokenweir.gateway.tried import Tried
from tokenweir.pipeline.arrival import Route
from tokenweir.pipeline.errors import MisuseError, SinkError, StageError
from tokenweir.pipeline.events import End, Event, Failure, Stats
from tokenweir.pipeline.sink import Sink
from tokenweir.pipeline.stream import Stream

LAST_WORDS = 2.0
"""Seconds that a client has for the end of an answer that was stopped."""


class SocketAnswer:
    """One request that came over a websocket, which `reader` reads. Each uses the configuration that is in
    force when it comes."""

    def __init__(self, request: web.Request, body: dict[str, Any], reader: Reader) -> None:
        self._gateway = request.app[GATEWAY]
        self._setup: Setup = self._gateway.setup
        self._headers = request.headers
        self._body = body
        self.reader = reader
        self._note = Answer(new_request_id(), "socket", request.get(CLIENT), None)

    @property
    def request_id(self) -> str:
        """Its id in the log."""
        return self._note.request_id

    def stop(self, failure: Failure) -> None:
        """End it from outside."""
        self._note.stop(failure)

    async def run(self, sink: Sink) -> None:
        """Give the answer. Raises Refused for what gets none, SinkError where the client takes no end of it;
        whoever is cancelled has left."""
        note, limits = self._note, self._setup.config.limits
        ask = read_chat(self._body, self._headers, limits)
        note.asked = note.model = ask.model
        enter(self._gateway, note, limits)
        self._setup.enter()
        try:
            with note.scope:
                await self._answer(ask, sink)
            if note.scope.cancelled_caught:
                await self._stopped(sink)
        except Refused as refused:
            note.failure, note.status = refused.failure, refused.status
            raise
        except SinkError as left:
            note.see([self._left(left)])
            raise
        except BaseException as fault:
            note.see([self._broken_off(fault)])
            raise
        finally:
            self._setup.leave()
            self._gateway.live.leave(note)

    async def _answer(self, ask: Ask, sink: Sink) -> None:
        note, send = self._note, self._sender(sink)
        targets = await targets_of(self._setup, ask.model)
        backends = [target.served for target in targets]
        note.backend, note.model = backends[0].name, targets[0].model
        place = Place(note, self._setup.config.limits.queue_timeout_secs, send)
        try:
            await place.take(backends[0])
            routes = _routes(ask, targets)
            tried = Tried(backends, [route.source for route in routes])
            async with Stream(routes[0], routes[1:], check=False) as stream:
                async for batch in stream.batches():
                    if note.first_token is None:
                        tried.look(batch)
                        note.tried = tried.names
                        note.backend = note.tried[-1]
                    tried.tell(batch)
                    note.see(batch)
                    await send(batch)
                    if note.first_token is None:
                        await place.take(backends[len(note.tried) - 1])
        except MisuseError as wrong:  # what its protocol cannot ask shows when the request is written
            raise bad_request(str(wrong)) from None
        except StageError as bug:  # of a stage that somebody configured
            note.see([end := End("error", Failure("stage", str(bug)))])
            await send([end])
        finally:
            place.free()

    def _sender(self, sink: Sink) -> Callable[[Sequence[Event]], Awaitable[None]]:
        """What sends to it. A write that is stopped from outside is ended first: aiohttp cannot go on behind
        one that was cut short, and the client would have no true end."""
        note = self._note

        async def send(batch: Sequence[Event]) -> None:
            note.writing = True
            try:
                await sink.send(batch)
            finally:
                note.writing = False
            if note.stopped is not None and note.end is None:
                note.scope.cancel()
                await anyio.lowlevel.checkpoint()

        return send

    async def _stopped(self, sink: Sink) -> None:
        failure = self._note.stopped or SHUTTING_DOWN
        end = End("cancelled" if failure.kind == "cancelled" else "error", failure)
        self._note.see([end])
        with anyio.move_on_after(LAST_WORDS, shield=True):
            await sink.send([end])

    def _left(self, left: SinkError) -> End:
        """The end of an answer that its client does not take, as far as its sink knows."""
        if left.failure.kind == "timeout":
            return End("timeout", left.failure)
        if self.reader.dead or left.failure.kind == "cancelled":
            return self._broken_off(ConnectionResetError())
        return End("error", self._note.stopped or left.failure)

    def _broken_off(self, fault: BaseException) -> End:
        return broken_off(self._note, self.reader, fault, Stats())


def _routes(ask: Ask, targets: list[Target]) -> list[Route]:
    """Raises Refused where a backend does not have what the request asks for."""
    try:
        return [
            served.route(ask.messages, model, ask.options, stream=True, prompt=False)
            for served, model in targets
        ]
    except MisuseError as wrong:
        raise bad_request(str(wrong)) from None

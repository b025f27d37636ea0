"""One answer on a websocket: a backend's events as they come.

Law of this file: the same order as answer.py, without its gate and its frames: a place, a stream, one true
end. What fails before the stream is Refused, what fails in it is told by its `End`.
"""

from typing import Any

import anyio
from aiohttp import web

from tokenweir.gateway.admission import enter
from tokenweir.gateway.ask import Ask, read_chat
from tokenweir.gateway.gateway import CLIENT, GATEWAY, new_request_id
from tokenweir.gateway.live import Answer
from tokenweir.gateway.refused import Refused, bad_request
from tokenweir.gateway.routing import Target, targets_of
from tokenweir.gateway.setup import Setup
from tokenweir.pipeline.errors import MisuseError, SinkError, StageError
from tokenweir.pipeline.events import End, Failure, Phase
from tokenweir.pipeline.sink import Sink
from tokenweir.pipeline.stream import Stream

SHUTTING_DOWN = Failure("shutting_down", "the gateway is shutting down", retryable=True)

LAST_WORDS = 2.0
"""Seconds that a client has for the end of an answer that was stopped."""


class SocketAnswer:
    """One request that came over a websocket. Each uses the configuration that is in force when it comes."""

    def __init__(self, request: web.Request, body: dict[str, Any]) -> None:
        self._gateway = request.app[GATEWAY]
        self._setup: Setup = self._gateway.setup
        self._headers = request.headers
        self._body = body
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
        enter(self._gateway.live, note, limits)
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
            self._left(left.failure)
            raise
        except BaseException:
            self._left(Failure("cancelled", "the client left"))
            raise
        finally:
            self._setup.leave()
            self._gateway.live.leave(note)

    async def _answer(self, ask: Ask, sink: Sink) -> None:
        targets = await targets_of(self._setup, ask.model)
        first = targets[0].served
        self._note.backend, self._note.model = first.name, targets[0].model
        if not first.slots.take_now():
            self._note.see([queued := Phase("queued")])
            await sink.send([queued])
            await first.slots.take(self._setup.config.limits.queue_timeout_secs)
        try:
            async with _stream(ask, targets) as stream:
                async for batch in stream.batches():
                    self._note.see(batch)
                    await sink.send(batch)
        except MisuseError as wrong:  # what its protocol cannot ask shows when the request is written
            raise bad_request(str(wrong)) from None
        except StageError as bug:  # of a stage that somebody configured
            self._note.see([end := End("error", Failure("stage", str(bug)))])
            await sink.send([end])
        finally:
            first.slots.free()

    async def _stopped(self, sink: Sink) -> None:
        failure = self._note.stopped or SHUTTING_DOWN
        end = End("cancelled" if failure.kind == "cancelled" else "error", failure)
        self._note.see([end])
        with anyio.move_on_after(LAST_WORDS, shield=True):
            await sink.send([end])

    def _left(self, failure: Failure) -> None:
        self._note.failure = failure
        self._note.end = End("cancelled" if failure.kind == "cancelled" else "error", failure)


def _stream(ask: Ask, targets: list[Target]) -> Stream:
    """Raises Refused where a backend does not have what the request asks for."""
    try:
        routes = [
            served.route(ask.messages, model, ask.options, stream=True, prompt=False)
            for served, model in targets
        ]
    except MisuseError as wrong:
        raise bad_request(str(wrong)) from None
    return Stream(routes[0], routes[1:], check=False)

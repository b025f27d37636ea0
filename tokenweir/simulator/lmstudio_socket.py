"""LM Studio's websocket, as far as its own SDK and tokenweir need it (PROTOCOLS 3.5).

Law of this file: the life of one socket: who it is, which channels are open on it, and how they end.
What is said in a channel stands in lmstudio_socket_reply.py, and decides everything but the socket. The
namespaces `llm` and `system` answer; the others can be connected to, since the SDK opens all of them.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio
import msgspec
from aiohttp import WSMsgType, web
from anyio.abc import TaskGroup

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.simulator.exchange import Exchange, Outcome
from tokenweir.simulator.lmstudio_socket_ask import read_prediction
from tokenweir.simulator.lmstudio_socket_calls import Refused, model_named, model_of, result_of
from tokenweir.simulator.lmstudio_socket_channel import Channel, send
from tokenweir.simulator.lmstudio_socket_reply import Sent, load_messages, prediction_messages, stopped
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks

NAMESPACES = "llm|embedding|system|files|repository|diagnostics|plugins|runtime"

_MESSAGE_LIMIT = 64 * 1024 * 1024
_SWITCHED = 101

Fields = Mapping[str, Any]


class LMStudioSockets:
    """The sockets of one simulated LM Studio. `enter` and `leave` are told of each prediction."""

    def __init__(
        self,
        quirks: Quirks,
        loads: Loads,
        enter: Callable[[], None],
        leave: Callable[[Exchange], None],
    ) -> None:
        self.quirks = quirks
        self.loads = loads
        self.enter = enter
        self.leave = leave

    def add_to(self, app: web.Application) -> None:
        """The greeting by which clients find the server, and one socket for each namespace."""
        app.router.add_get("/lmstudio-greeting", self._greet)
        app.router.add_get(f"/{{namespace:{NAMESPACES}}}", self._serve)

    async def _greet(self, _request: web.Request) -> web.Response:
        return web.Response(body=b'{"lmstudio":true}', content_type="application/json")

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False, max_msg_size=_MESSAGE_LIMIT, timeout=0.2)
        await ws.prepare(request)
        async with anyio.create_task_group() as group:
            with suppress(ConnectionError):
                await _Visit(self, request, ws, group).run()
            group.cancel_scope.cancel()
        return ws


class _Visit:
    """One client on one namespace."""

    def __init__(
        self, home: LMStudioSockets, request: web.Request, ws: web.WebSocketResponse, group: TaskGroup
    ) -> None:
        self._home = home
        self._request = request
        self._ws = ws
        self._group = group
        self._namespace = request.match_info["namespace"]
        self._channels: dict[int, anyio.CancelScope] = {}
        self._clock = running_clock()

    async def run(self) -> None:
        """Until the client leaves. Raises ConnectionError where it left without a word."""
        if not await self._authenticate():
            return
        async for message in self._ws:
            if message.type is WSMsgType.TEXT:
                await self._take(as_object(_read(message.data)))

    async def _authenticate(self) -> bool:
        """Without a token, LM Studio takes any pair."""
        message = await self._ws.receive()
        told = as_object(_read(message.data) if message.type is WSMsgType.TEXT else None)
        known = told.get("authVersion") == 1 and "clientIdentifier" in told and "clientPasskey" in told
        await send(
            self._ws, {"success": True} if known else {"success": False, "error": "Authentication expected"}
        )
        return known

    async def _take(self, told: Fields) -> None:
        kind = told.get("type")
        if kind == "channelCreate":
            self._open(told)
        elif kind == "channelSend":
            channel = self._channels.get(told.get("channelId", -1))
            if channel is not None and as_object(told.get("message")).get("type") == "cancel":
                channel.cancel()
        elif kind == "rpcCall":
            await self._call(told)
        elif kind == "keepAlive":
            await send(self._ws, {"type": "keepAliveAck"})
        elif kind != "channelAck":
            await send(self._ws, {"type": "communicationWarning", "warning": f"not understood: {kind}"})

    # --- channels -------------------------------------------------------------------------------

    def _open(self, told: Fields) -> None:
        number: int = told.get("channelId", -1)
        scope = self._channels[number] = anyio.CancelScope()
        self._group.start_soon(self._perform, number, scope, told)

    async def _perform(self, number: int, scope: anyio.CancelScope, told: Fields) -> None:
        channel = Channel(self._request, self._ws, number)
        try:
            await self._answer(
                channel, scope, as_text(told.get("endpoint")), as_object(told.get("creationParameter"))
            )
        except Refused as refused:
            await channel.fail(refused.error)
        except ConnectionError:
            self._group.cancel_scope.cancel()
        finally:
            self._channels.pop(number, None)

    async def _answer(
        self, channel: Channel, scope: anyio.CancelScope, endpoint: str, parameter: Fields
    ) -> None:
        if self._namespace == "llm" and endpoint == "predict":
            await self._predict(channel, scope, parameter)
        elif self._namespace == "llm" and endpoint in ("loadModel", "getOrLoad"):
            await self._load(channel, scope, endpoint, parameter)
        else:
            raise Refused(f"The simulator has no channel {endpoint!r} in {self._namespace!r}")

    async def _load(
        self, channel: Channel, scope: anyio.CancelScope, endpoint: str, parameter: Fields
    ) -> None:
        new = endpoint == "loadModel"
        model = model_named(as_text(parameter.get("modelKey" if new else "identifier")), self._home.quirks)
        left = self._home.loads.begin(model, self._clock())
        try:
            with scope:
                await channel.perform(
                    load_messages(model, self._home.quirks, left, named="load" if new else "get")
                )
        finally:
            if scope.cancel_called:
                self._home.loads.unload(model)
        if scope.cancelled_caught:
            await channel.perform([Sent(0.0, None)])

    async def _predict(self, channel: Channel, scope: anyio.CancelScope, parameter: Fields) -> None:
        try:
            ask = read_prediction(parameter)
        except msgspec.ValidationError as bad:
            raise Refused(str(bad)) from None
        model = model_of(ask, self._home.quirks)
        started = self._clock()
        if not self._home.loads.is_loaded(model, started):
            raise Refused(
                f"No model found that fits the query: {model} is not loaded", "generic.noModelMatchingQuery"
            )
        self._home.enter()
        outcome: Outcome = "client_left"
        try:
            with scope:
                outcome = await channel.perform(prediction_messages(ask, self._home.quirks, model))
            if scope.cancelled_caught:
                await channel.perform([Sent(0.0, stopped(model)), Sent(0.0, None)])
        finally:
            what = (parameter, model, _SWITCHED, outcome, channel.written)
            self._home.leave(Exchange(*what, started, self._clock()))

    # --- questions ------------------------------------------------------------------------------

    async def _call(self, told: Fields) -> None:
        head = {"callId": told.get("callId")}
        try:
            result = result_of(
                (self._namespace, as_text(told.get("endpoint"))),
                as_object(told.get("parameter")),
                self._home.quirks,
                self._home.loads,
                self._clock(),
            )
        except Refused as refused:
            await send(self._ws, {"type": "rpcError", **head, "error": refused.error})
        else:
            await send(self._ws, {"type": "rpcResult", **head, "result": result})


def _read(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None

"""The simulator: a real HTTP server on a real socket, for one backend's quirks.

Law of this file: the server's life, its endpoints and its log. What is answered stands in reply.py,
how it is written in exchange.py. It runs on asyncio, where aiohttp runs.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self

import anyio
import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator import refusals
from tokenweir.simulator.answer import CREATED
from tokenweir.simulator.anthropic_reply import in_anthropic_form
from tokenweir.simulator.endpoints import ENDPOINTS, TOLD, Endpoint, Told
from tokenweir.simulator.exchange import Exchange, Outcome, Performance
from tokenweir.simulator.lmstudio_socket import LMStudioSockets
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Provider, Quirks
from tokenweir.simulator.refusals import Refusal

LOG_LIMIT = 1000
"""Exchanges that the log keeps."""

_BODY_LIMIT = 64 * 1024 * 1024
_CLOSE_PATIENCE = 0.02
"""Seconds for streams that are about to end; aiohttp waits them twice, and 60 by default."""
_CLOSE_DEADLINE = 1.0


class Simulator:
    """A backend without a model.

    `async with Simulator(quirks) as server:` serves at `server.url` until the block ends; each provider
    answers at its own addresses (endpoints.py), OpenAI's API under `/v1`. `port` 0 takes a free
    one. `server.log` has the last LOG_LIMIT exchanges, in the order in which they ended; `on_exchange`
    is told each of them.

    Raises OSError where the address cannot be had, MisuseError for a second start.
    """

    def __init__(
        self,
        quirks: Quirks | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.quirks = quirks or Quirks()
        self.log: deque[Exchange] = deque(maxlen=LOG_LIMIT)
        self._host = host
        self._port = port
        self._on_exchange = on_exchange
        self._loads = Loads(self.quirks.load_seconds)
        self._runner: web.AppRunner | None = None
        self._url: str | None = None
        self._count = 0
        self._busy_until = 0.0
        self._active = 0
        self._idle = anyio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def url(self) -> str:
        """Where it serves, as `http://127.0.0.1:8123`. Raises MisuseError before it has started."""
        if self._url is None:
            raise MisuseError("the simulator has not started: use `async with Simulator(...) as server`")
        return self._url

    @property
    def active(self) -> int:
        """How many exchanges are under way."""
        return self._active

    async def start(self) -> None:
        """Listen. `status-503-loading` loads its models from now on, as llama-server does."""
        if self._runner is not None:
            raise MisuseError("the simulator has started already: make another one")
        if self.quirks.fault == "status-503-loading":
            for model in self.quirks.models:
                self._loads.begin(model, running_clock()())
        app = web.Application(middlewares=[_refusing_as(self.quirks.provider)], client_max_size=_BODY_LIMIT)
        for endpoint in ENDPOINTS[self.quirks.provider]:
            app.router.add_post(endpoint.path, partial(self._answer, endpoint))
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        for path, told in TOLD.get(self.quirks.provider, {}).items():
            app.router.add_get(path, partial(self._tell, told))
        if self.quirks.provider == "lmstudio":
            sockets = LMStudioSockets(self.quirks, self._loads, self._enter, self._leave)
            sockets.add_to(app)
        # Without handler_cancellation a client that leaves in silence is noticed at the next write.
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=_CLOSE_PATIENCE
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._url = f"http://{host}:{runner.addresses[0][1]}"

    async def aclose(self) -> None:
        """Stop listening and end every stream, stalled ones too, within a tenth of a second."""
        runner, self._runner = self._runner, None
        if runner is not None:
            with anyio.move_on_after(_CLOSE_DEADLINE, shield=True):
                await runner.cleanup()
                await self.until_idle()

    async def until_idle(self) -> None:
        """Wait until no exchange is under way: each has its entry in the log then."""
        if self._active:
            await self._idle.wait()

    def unload(self, model: str | None = None) -> None:
        """Unload one model, or all: the next request for it waits for a load again."""
        self._loads.unload(model)

    async def _answer(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        clock = running_clock()
        await anyio.sleep(max(0.0, self._busy_until - clock()))
        started = clock()
        self._count += 1
        name = f"{endpoint.prefix}{self._count}"
        reply = endpoint.reply(body, self.quirks, self._loads, started, name)
        performance = Performance(request, reply, clock)
        self._enter()
        outcome: Outcome = "client_left"
        try:
            with suppress(ConnectionError):
                await performance.run()
                outcome = "finished" if reply.ending == "complete" else "cut"
        finally:
            if self.quirks.ignore_cancel and outcome == "client_left":
                self._busy_until = max(self._busy_until, started + performance.unsaid())
            what = (_json(body), reply.model, reply.status, outcome, performance.written)
            self._leave(Exchange(*what, started, clock()))
        return performance.response

    def _enter(self) -> None:
        if self._active == 0:
            self._idle = anyio.Event()
        self._active += 1

    def _leave(self, exchange: Exchange) -> None:
        if self._runner is None and exchange.outcome == "client_left":
            exchange = msgspec.structs.replace(exchange, outcome="stopped")
        self.log.append(exchange)
        if self._on_exchange is not None:
            self._on_exchange(exchange)
        self._active -= 1
        if self._active == 0:
            self._idle.set()

    async def _models(self, _request: web.Request) -> web.Response:
        if self._is_late():
            return _whole(refusals.loading())
        entry = {"object": "model", "created": CREATED, "owned_by": "simulator"}
        data = [{"id": name, **entry} for name in self.quirks.models]
        return _whole(Refusal(200, msgspec.json.encode({"object": "list", "data": data})))

    async def _tell(self, told: Told, _request: web.Request) -> web.Response:
        said = told(self.quirks, self._loads, running_clock()())
        return _whole(said if isinstance(said, Refusal) else Refusal(200, msgspec.json.encode(said)))

    async def _health(self, _request: web.Request) -> web.Response:
        """As llama-server: 503 while it loads, where that is the fault."""
        return _whole(refusals.loading() if self._is_late() else Refusal(200, b'{"status":"ok"}'))

    def _is_late(self) -> bool:
        return self.quirks.fault == "status-503-loading" and self._loads.loading(running_clock()())


def _refusing_as(provider: Provider) -> Middleware:
    """aiohttp's own refusals (404, 405, 413) in the provider's form."""

    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refused:
            told = refusals.no_such_path(provider, refused.status, request.method, request.path)
            return _whole(in_anthropic_form(told, None) if provider == "anthropic" else told)

    return refuse


def _whole(answer: Refusal) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""simulator: a source that starts its own backend, in this process, on a loopback port.

Law of this file: the joint between the two; the backend stands in server.py, and asking it is what
every source over HTTP does.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import anyio

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Failure, Phase
from tokenweir.pipeline.models import Mismatch, Model
from tokenweir.pipeline.protocols import anthropic, lmstudio_v1, ollama, openai_chat, openai_responses
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.simulator.exchange import Exchange
from tokenweir.simulator.quirks import Provider, Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of
from tokenweir.stages.cumulative_detect import Mode


class _Face(NamedTuple):
    """One of the simulator's APIs: what stands between its address and `path`, and who writes the body."""

    root: str
    path: str
    body: Callable[[Request], dict[str, Any]]


_FACES: Mapping[str, _Face] = {
    "anthropic": _Face("/v1", anthropic.PATH, anthropic.body),
    "lmstudio-v1": _Face("", lmstudio_v1.PATH, lmstudio_v1.body),
    "ollama-chat": _Face("", ollama.CHAT_PATH, ollama.chat_body),
    "openai-chat": _Face("/v1", openai_chat.PATH, openai_chat.body),
    "openai-responses": _Face("/v1", openai_responses.PATH, openai_responses.body),
}
_SWITCHES = tuple(name for name in Quirks.__struct_fields__ if name != "provider")
_USUAL: Mapping[Provider, str] = {"anthropic": "anthropic", "ollama": "ollama-chat"}


class SimulatorSource(HTTPSource):
    """A simulated backend: `connect("simulator", cumulative=True, load_seconds=2)`.

    `text` is what it says (or a Path to a file of it), `as_provider` whose bodies and habits it has: the
    `provider` of Quirks, of which every other switch is one. It starts at the first request and ends
    with `aclose()`. Its text is read as `auto`. `protocol` is the API that it is asked through: by default
    its provider's own, such as Ollama's with `as_provider="ollama"`. Raises MisuseError for a switch that
    does not exist or cannot be, and for a protocol that it does not speak.
    """

    provider: ClassVar[str] = "simulator"
    default_mode: ClassVar[Mode] = "auto"
    default_base_url: ClassVar[str] = "http://127.0.0.1:1/v1"

    def __init__(
        self,
        *,
        text: str | Path | None = None,
        as_provider: Provider | None = None,
        protocol: str | None = None,
        model: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
        model_mismatch: Mismatch = "warn",
        **switches: Any,
    ) -> None:
        if text is not None:
            switches["script"] = script_of(text.read_text("utf-8") if isinstance(text, Path) else text)
        unknown = sorted(set(switches) - set(_SWITCHES))
        if unknown:
            known = ", ".join(_SWITCHES)
            msg = f"the simulator has no switch {unknown[0]!r}; there are: {known}, as_provider, text"
            raise MisuseError(msg)
        if as_provider is not None:
            switches["provider"] = as_provider
        self.quirks = Quirks(**switches)
        self.protocol = protocol or _USUAL.get(self.quirks.provider, "openai-chat")
        if self.protocol not in _FACES:
            msg = f"the simulator is not asked through {protocol!r}; there are: {', '.join(_FACES)}"
            raise MisuseError(msg)
        self._face = _FACES[self.protocol]
        self.path = self._face.path
        super().__init__(
            model=model or self.quirks.models[0],
            mode=mode,
            deadlines=deadlines,
            model_mismatch=model_mismatch,
        )
        self._server: Simulator | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: anyio.Lock

    def body(self, request: Request) -> dict[str, Any]:
        return self._face.body(request)

    def open(self, request: Request) -> Connection:
        return _Starting(self, request)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What happened so far, as the backend saw it (the last ones, in the order of their ends)."""
        return [] if self._server is None else list(self._server.log)

    async def ask(self, request: Request) -> Connection:
        """A connection to the backend, which is started where it does not run yet."""
        await self._started()
        return super().open(request)

    async def models(self) -> list[Model]:
        async with await self._as_its_provider() as asked:
            return await asked.models()

    async def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:
        async with await self._as_its_provider() as asked:
            async for phase in asked.load(name, **options):
                yield phase

    async def unload(self, name: str) -> None:
        async with await self._as_its_provider() as asked:
            await asked.unload(name)

    async def _as_its_provider(self) -> Source:
        """The source of the provider that is simulated: it knows how its models are asked for."""
        return connect(
            self.quirks.provider, await self._started(), deadlines=self.deadlines, model=self.model
        )

    async def _started(self) -> str:
        """Start the backend where it does not run yet; its address."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._server, self._loop, self._starting = None, loop, anyio.Lock()
        async with self._starting:
            if self._server is None:
                server = Simulator(self.quirks)
                await server.start()
                self._server = server
        self.base_url = self._server.url + self._face.root
        return self._server.url

    async def aclose(self) -> None:
        await super().aclose()
        server, self._server = self._server, None
        if server is not None and self._loop is asyncio.get_running_loop():
            await server.aclose()


class _Starting:
    """A connection to a backend that may have to be started first."""

    def __init__(self, source: SimulatorSource, request: Request) -> None:
        self.read: Callable[[], Awaitable[bytes | None]] = self._first
        self._source = source
        self._request = request
        self._inner: Connection | None = None

    async def _first(self) -> bytes | None:
        if self._inner is None:
            self._inner = await self._source.ask(self._request)
        head = await self._inner.read()
        self.read = self._inner.read
        return head

    @property
    def status(self) -> int | None:
        return self._inner.status if self._inner else None

    @property
    def headers(self) -> Mapping[str, str]:
        return self._inner.headers if self._inner else {}

    @property
    def connected(self) -> bool:
        return self._inner is not None and self._inner.connected

    @property
    def armed(self) -> float:
        return self._inner.armed if self._inner else inf

    @property
    def deadline(self) -> float:
        return self._inner.deadline if self._inner else inf

    @deadline.setter
    def deadline(self, value: float) -> None:
        if self._inner is not None:
            self._inner.deadline = value

    def arm(self) -> None:
        if self._inner is not None:
            self._inner.arm()

    def rescue(self) -> bytes:
        return self._inner.rescue() if self._inner else b""

    def failure(self, fault: Exception) -> Failure | None:
        if self._inner is None:
            return (
                Failure("connect", f"the simulator cannot start: {fault}")
                if isinstance(fault, OSError)
                else None
            )
        return self._inner.failure(fault)

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()

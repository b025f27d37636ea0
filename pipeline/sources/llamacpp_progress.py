"""How far llama-server's router is with a load: its `/models/sse` (PROTOCOLS 5.1).

Law of this file: this only listens. Where nobody tells, or stops telling, waiting goes on in silence; what
is loaded, the list of models says.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import anyio

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.events import SSEEvent
from tokenweir.pipeline.json_value import as_list, as_object
from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.stages.sse_decode import sse_decode

EVENTS_PATH = "/models/sse"
_OK = 200


class LoadProgress:
    """What is told of one model's load: `with` it, so that the connection is closed. `value` is 0..1, and
    never falls; None before anything was told. `began` says whether it was told that the load has begun."""

    def __init__(self, source: HTTPSource, model: str) -> None:
        self.value: float | None = None
        self.began = False
        self._cut_short = False
        self._source = source
        self._model = model
        self._connection: Connection | None = None
        self._core = sse_decode().core()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def listen(self) -> None:
        """Begin to listen, before anything can happen. A server that tells nothing is no error."""
        source = self._source
        url = source.base_url.removesuffix(source.default_path) + EVENTS_PATH
        connection = self._connection = source.connection(source.question(url, None))
        with anyio.move_on_after(source.deadlines.connect):
            await self._read(connection)
        if connection.status != _OK:
            self._close()

    async def wait(self, seconds: float) -> None:
        """Wait so long; not to the end where the state of the model changes. The wait after one that was cut
        short lasts: a server may repeat itself."""
        again, self._cut_short = self._cut_short, False
        with anyio.move_on_after(seconds):
            while self._connection is not None:
                data = await self._read(self._connection)
                if data is not None and self._take(data) and not again:
                    self._cut_short = True
                    return
            await anyio.sleep(seconds)

    async def _read(self, connection: Connection) -> bytes | None:
        try:
            data = await connection.read()
        except Exception:  # noqa: BLE001 - whatever broke, it is the progress alone that is lost
            data = b""
        if data == b"":
            self._close()
        return data

    def _take(self, data: bytes) -> bool:
        """Keep how far it is; whether the state changed to anything but loading."""
        told = [_payload(item.data) for item in self._core.feed([data]) if isinstance(item, SSEEvent)]
        ours = [as_object(event.get("data")) for event in told if event.get("model") == self._model]
        for state in ours:
            progress = _overall(as_object(state.get("progress")))
            if progress is not None:
                self.value = max(progress, self.value or 0.0)
        self.began = self.began or any(state.get("status") == "loading" for state in ours)
        return any(state.get("status", "loading") != "loading" for state in ours)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _payload(data: bytes) -> Mapping[str, Any]:
    try:
        return as_object(read_payload(data))
    except ValueError:
        return {}


def _overall(progress: Mapping[str, Any]) -> float | None:
    """The progress of the whole load, where `value` is that of its current stage.

    >>> _overall({"stages": ["text_model", "mmproj"], "current": "mmproj", "value": 0.5})
    0.75
    """
    value, stages = progress.get("value"), as_list(progress.get("stages"))
    if not isinstance(value, int | float):
        return None
    done = stages.index(progress.get("current")) if progress.get("current") in stages else 0
    return min(1.0, max(0.0, (done + value) / max(1, len(stages))))

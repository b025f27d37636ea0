"""Backends over HTTP without a socket: each attempt's answer is a status, headers and a script.

Law of this file: for tests alone; it joins the scripts of tokenweir.testing to the sources that speak
HTTP, so that status, headers and retries can be tested on any loop and any clock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.openai_compatible import OpenAICompatible
from tokenweir.testing import ScriptedConnection, Step


class Attempt:
    """What one attempt is answered with."""

    def __init__(self, status: int, *script: Step, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.script: Sequence[Step] = script
        self.headers = {name.title(): value for name, value in (headers or {}).items()}


class Headers(dict[str, str]):
    """Header fields: their names compare without case."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.title(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.title())


class ScriptedTransport:
    """Answers attempt after attempt; the last one stands for all that follow."""

    def __init__(self, *attempts: Attempt) -> None:
        self.requests: list[HTTPRequest] = []
        self.connections: list[ScriptedConnection] = []
        self._attempts = attempts

    def open(self, request: HTTPRequest, connect: float | None) -> ScriptedConnection:  # noqa: ARG002 - as Transport
        attempt = self._attempts[min(len(self.requests), len(self._attempts) - 1)]
        connection = ScriptedConnection(attempt.script, b"", attempt.status, Headers(attempt.headers))
        self.requests.append(request)
        self.connections.append(connection)
        return connection

    async def aclose(self) -> None:
        """Nothing is pooled."""


def scripted(
    *attempts: Attempt, deadlines: Deadlines | None = None, **options: Any
) -> tuple[HTTPSource, ScriptedTransport]:
    """A source over HTTP whose attempts are answered so; its pauses have no jitter."""
    transport = ScriptedTransport(*attempts)
    source = OpenAICompatible(
        "http://backend.test", mode="delta", deadlines=deadlines, transport=transport, **options
    )
    return source, transport

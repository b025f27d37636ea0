"""A backend that answers a request by a script, and questions beside it by what is so at that time.

Law of this file: for tests alone, in virtual time; it joins the scripts of tokenweir.testing to sources
that ask while they wait.
"""

from collections.abc import Callable, Mapping, Sequence

import anyio

from tests.scripted import Headers
from tokenweir.pipeline.connection import HTTPRequest, origin
from tokenweir.testing import ScriptedConnection, Step

Told = Callable[[float], Sequence[Step] | int]
"""What is told at a time (seconds since the first request): a script, or a status without a body."""


class AskedTransport:
    """`attempts` answer what is sent by POST, one after another, the last one for all that follow: each is
    a status and a script; `told` answers GET, by path. `connections` are those of the attempts,
    `questions` the paths and times of what was asked, and `asked` their connections."""

    def __init__(self, *attempts: tuple[int, Sequence[Step]], told: Mapping[str, Told] | None = None) -> None:
        self.connections: list[ScriptedConnection] = []
        self.questions: list[tuple[str, float]] = []
        self.asked: list[ScriptedConnection] = []
        self._attempts = attempts
        self._told = told or {}
        self._began: float | None = None

    def open(self, request: HTTPRequest, connect: float | None) -> ScriptedConnection:  # noqa: ARG002 - as Transport
        if self._began is None:
            self._began = anyio.current_time()
        if request.method == "POST":
            status, script = self._attempts[min(len(self.connections), len(self._attempts) - 1)]
            self.connections.append(made := _connection(script, status))
            return made
        now = anyio.current_time() - self._began
        path = request.url.removeprefix(origin(request.url))
        told = self._told[path](now) if path in self._told else 404
        self.questions.append((path, now))
        self.asked.append(made := _connection((), told) if isinstance(told, int) else _connection(told, 200))
        return made

    async def aclose(self) -> None:
        """Nothing is pooled."""

    @property
    def left_open(self) -> int:
        """How many connections were never closed."""
        return sum(connection.closed == 0 for connection in [*self.connections, *self.asked])


def _connection(script: Sequence[Step], status: int) -> ScriptedConnection:
    return ScriptedConnection(script, b"", status, Headers())

"""Short questions to a backend beside its streams: which models it has, how many tokens a text makes.

Law of this file: one question, one whole answer, for every source over HTTP. It has a deadline, a bound,
and the failures of a stream: a refusal is a StreamError. What is asked, and what an answer means, stands
with the source that asks.
"""

from collections.abc import Mapping
from math import inf
from types import TracebackType
from typing import Any, Self

import anyio

from tokenweir.pipeline.clock import Clock, running_clock
from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import late
from tokenweir.pipeline.errors import StreamError, error_for
from tokenweir.pipeline.events import End, Failure
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.payload import read_payload, shown
from tokenweir.pipeline.sources.base import BODY_WAIT, Source
from tokenweir.pipeline.sources.http import HTTPSource

ANSWER_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer, where whoever asks names no other bound: some lists hold thousands of models."""


class Question:
    """A question under way on a connection: `async with` it, so that the connection is closed.

    `what` names it in messages. It may take as long as the deadline of the source that `deadline` names
    (seconds from now on), and hold `limit` bytes.
    """

    def __init__(
        self,
        source: Source,
        connection: Connection,
        what: str,
        *,
        deadline: str = "first_token",
        limit: int = ANSWER_LIMIT,
    ) -> None:
        self._source = source
        self._connection = connection
        self._what = what
        self._deadline = deadline
        self._limit = limit
        self._clock: Clock = running_clock()
        self._began = self._clock()
        self._body = bytearray()
        self._refused = bytearray()  # a wait that is cut off goes on with it
        self._refused_at: float | None = None
        self._whole = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    @property
    def elapsed(self) -> float:
        """Seconds since it was asked."""
        return self._clock() - self._began

    async def wait(self, seconds: float = inf) -> bool:
        """Wait for the answer, `seconds` at most; whether it is there. Nothing is lost between two waits.

        Raises StreamError for a refusal, a broken connection, a passed deadline, and too long an answer.
        """
        allowed: float | None = getattr(self._source.deadlines, self._deadline)
        left = inf if allowed is None else allowed - self.elapsed
        with anyio.move_on_after(max(0.0, min(seconds, left))):
            await self._read()
        if not self._whole and allowed is not None and left <= seconds:
            raise out_of_time(allowed, self._what, self._deadline)
        return self._whole

    async def payload(self) -> object:
        """The answer as JSON; None where its body is empty.

        Raises StreamError as `wait` does, and for an answer that is no JSON, or an error with status 200.
        """
        await self.wait()
        if not self._body.strip():
            return None
        try:
            told = read_payload(bytes(self._body))
        except ValueError:
            message = f"the answer to {self._what} is no JSON: {shown(bytes(self._body))}"
            raise self._failed(Failure("protocol", message, None, self._connection.status)) from None
        if is_error(told):
            raise self._failed(failure_from(told))
        return told

    async def _read(self) -> None:
        connection = self._connection
        try:
            await self._head()
            while not self._whole:
                self._keep(await connection.read())
        except StreamError:
            raise
        except Exception as fault:
            failure = connection.failure(fault)
            if failure is None:
                raise
            raise self._failed(failure) from None

    async def _head(self) -> None:
        connection = self._connection
        while connection.status is None:
            await connection.read()
        if not self._source.accepts(connection.status, connection.headers):
            self._refused_at = self._refused_at or self._clock()
            left = self._refused_at + BODY_WAIT - self._clock()
            await self._source.read_body(connection, left, self._refused)
            raise self._failed(
                self._source.refusal(connection.status, connection.headers, bytes(self._refused))
            )

    def _keep(self, data: bytes | None) -> None:
        self._whole = not data
        self._body += data or b""
        if len(self._body) > self._limit:
            message = f"the answer to {self._what} has more than {self._limit} bytes"
            raise self._failed(Failure("limit", message))

    def _failed(self, failure: Failure) -> Exception:
        return error_for(End("error", self._source.scrub(failure)))


def out_of_time(seconds: float, what: str, deadline: str) -> Exception:
    """The error of a deadline that has passed after so many seconds of waiting for something."""
    hint = "The backend took the question, and has not answered it."
    return error_for(End("timeout", late(deadline, seconds, what, hint)))


def question(
    source: HTTPSource,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    beside: bool = False,
    deadline: str = "first_token",
    limit: int = ANSWER_LIMIT,
) -> Question:
    """A question to the backend: POST with a body, GET without one. `path` stands under `base_url`
    (`/models` for http://localhost:1234/v1/models), or `beside` its last part (`/health` for
    http://localhost:1234/health). Nothing is sent before its first wait.

    Raises MisuseError for a body that is no JSON.
    """
    base = source.base_url.removesuffix(source.default_path) if beside else source.base_url
    connection = source.connection(source.question(base + path, body))
    return Question(source, connection, path, deadline=deadline, limit=limit)


async def ask(
    source: HTTPSource,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    beside: bool = False,
    deadline: str = "first_token",
    limit: int = ANSWER_LIMIT,
) -> object:
    """The JSON that answers a question (see `question`); None where the answer is empty.

    Raises StreamError where the backend does not answer, refuses, or answers with something else.
    """
    async with question(source, path, body, beside=beside, deadline=deadline, limit=limit) as asked:
        return await asked.payload()

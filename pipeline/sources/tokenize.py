"""A backend's own tokenizer, asked over HTTP.

Law of this file: one short question and its answer, for the backends that can (PROTOCOLS 5.1, 5.3).
A stage cannot ask: no core waits. So this is asked about a text that is there, after the stream.
"""

from collections.abc import Mapping
from contextlib import suppress
from math import inf
from typing import Any, ClassVar

import anyio
import msgspec

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.errors import StreamError, error_for
from tokenweir.pipeline.events import End, Failure
from tokenweir.pipeline.json_value import as_count, as_list, as_object
from tokenweir.pipeline.sources.http import HTTPSource

TOKENS_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer: about eight million tokens, each by its number."""


class TokenizingSource(HTTPSource):
    """A backend with a `/tokenize` beside its `/v1`."""

    tokenize_path: ClassVar[str] = "/tokenize"

    def tokenize_body(self, text: str) -> Mapping[str, Any]:
        """The JSON body of the question."""
        return {"content": text}

    async def count_tokens(self, text: str) -> int:
        """How many tokens the backend's model makes of `text`. It may take as long as the first token of
        an answer may, and TOKENS_LIMIT bytes.

        Raises StreamError where the backend does not answer, or with something else.
        """
        origin = self.base_url.removesuffix(self.default_path)
        ask = self.question(origin + self.tokenize_path, self.tokenize_body(text))
        connection = self._transport.open(ask, self.deadlines.connect)
        try:
            with anyio.fail_after(self.deadlines.first_token):
                body = await self._answer(connection)
        except TimeoutError:
            seconds = self.deadlines.first_token
            message = (
                f"waited {seconds:g} s for {self.tokenize_path}. Allow more with Deadlines(first_token=...)"
            )
            raise error_for(End("timeout", Failure("timeout", message, "first_token"))) from None
        except StreamError:
            raise
        except Exception as fault:
            failure = connection.failure(fault)
            if failure is None:
                raise
            raise error_for(End("error", failure)) from None
        finally:
            connection.close()
        return _count(body)

    async def _answer(self, connection: Connection) -> bytes:
        """The body of an answer; a refusal is raised."""
        while connection.status is None:
            await connection.read()
        if not self.accepts(connection.status, connection.headers):
            body = await self.read_body(connection, inf)
            raise error_for(End("error", self.refusal(connection.status, connection.headers, body)))
        body = b""
        while data := await connection.read():
            body += data
            if len(body) > TOKENS_LIMIT:
                message = f"the answer to {self.tokenize_path} has more than {TOKENS_LIMIT} bytes"
                raise error_for(End("error", Failure("limit", message)))
        return body


def _count(body: bytes) -> int:
    """llama-server gives the tokens, vLLM their count too."""
    decoded: object = None
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = msgspec.json.decode(body)
    answer = as_object(decoded)
    count = as_count(answer.get("count"))
    if count is None and isinstance(answer.get("tokens"), list):
        count = len(as_list(answer["tokens"]))
    if count is None:
        failure = Failure("protocol", "the backend's answer to /tokenize holds neither tokens nor a count")
        raise error_for(End("error", failure))
    return count

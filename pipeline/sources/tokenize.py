"""A backend's own tokenizer, asked over HTTP.

Law of this file: one short question and its answer, for the backends that can (PROTOCOLS 5.1, 5.3).
A stage cannot ask: no core waits. So this is asked about a text that is there, after the stream.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from tokenweir.pipeline.errors import error_for
from tokenweir.pipeline.events import End, Failure
from tokenweir.pipeline.json_value import as_count, as_list, as_object
from tokenweir.pipeline.sources.http import HTTPSource


class TokenizingSource(HTTPSource):
    """A backend with a `/tokenize` beside its `/v1`."""

    tokenize_path: ClassVar[str] = "/tokenize"

    def tokenize_body(self, text: str) -> Mapping[str, Any]:
        """The JSON body of the question."""
        return {"content": text}

    async def count_tokens(self, text: str) -> int:
        """How many tokens the backend's model makes of `text`.

        Raises StreamError where the backend does not answer, or with something else.
        """
        origin = self.base_url.removesuffix(self.default_path)
        ask = self.question(origin + self.tokenize_path, self.tokenize_body(text))
        connection = self._transport.open(ask, self.deadlines.connect)
        try:
            while connection.status is None:
                await connection.read()
            body = await self.read_body(connection)
        except Exception as fault:
            failure = connection.failure(fault)
            if failure is None:
                raise
            raise error_for(End("error", failure)) from None
        finally:
            connection.close()
        if not self.accepts(connection.status, connection.headers):
            raise error_for(End("error", self.refusal(connection.status, connection.headers, body)))
        return _count(body)


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

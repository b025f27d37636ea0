"""A backend's own tokenizer, asked over HTTP.

Law of this file: one short question and its answer, for the backends that can (PROTOCOLS 5.1, 5.3).
A stage cannot ask: no core waits. So this is asked about a text that is there, after the stream.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.errors import error_for
from tokenweir.pipeline.events import End, Failure
from tokenweir.pipeline.json_value import as_count, as_list, as_object
from tokenweir.pipeline.sources.asking import ask
from tokenweir.pipeline.sources.listing import ListingSource

TOKENS_LIMIT = 64 * 1024 * 1024
"""Bytes of an answer: about eight million tokens, each by its number."""


class TokenizingSource(ListingSource):
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
        told = await ask(self, self.tokenize_path, self.tokenize_body(text), beside=True, limit=TOKENS_LIMIT)
        return _count(told)


def _count(told: object) -> int:
    """llama-server gives the tokens, vLLM their count too."""
    answer = as_object(told)
    count = as_count(answer.get("count"))
    if count is None and isinstance(answer.get("tokens"), list):
        count = len(as_list(answer["tokens"]))
    if count is None:
        failure = Failure("protocol", "the backend's answer to /tokenize holds neither tokens nor a count")
        raise error_for(End("error", failure))
    return count

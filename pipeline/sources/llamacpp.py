"""llamacpp: llama.cpp's llama-server, by default at http://localhost:8080 (PROTOCOLS 5.1).

While it loads, it answers every request with 503 `Loading model`, which is tried again until the
first-token deadline; `return_progress` is asked for, so that the prompt's progress is told.
"""

from typing import Any, ClassVar

from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.request import Messages, Request
from tokenweir.pipeline.sources.tokenize import TokenizingSource


class LlamaCpp(TokenizingSource):
    """llama-server. In single-model mode `model` is ignored by the server."""

    provider: ClassVar[str] = "llamacpp"
    default_base_url: ClassVar[str] = "http://localhost:8080/v1"
    waiting: ClassVar[PhaseName] = "prefill"

    def request(self, messages: Messages, *, stream: bool = True, **options: Any) -> Request:
        if stream:
            options.setdefault("return_progress", True)
        return super().request(messages, stream=stream, **options)

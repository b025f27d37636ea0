"""llamacpp: llama.cpp's llama-server, by default at http://localhost:8080 (PROTOCOLS 5.1).

While it loads, it answers every request with 503 `Loading model`, which is tried again until the
first-token deadline; `return_progress` is asked for, so that the prompt's progress is told.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.protocols import llamacpp_completion
from tokenweir.pipeline.request import Messages, Request
from tokenweir.pipeline.sources.tokenize import TokenizingSource
from tokenweir.stages.cumulative_detect import Mode


class LlamaCpp(TokenizingSource):
    """llama-server. In single-model mode `model` is ignored by the server. `completion=True` asks its
    own `/completion`, which completes one prompt and stands beside its `/v1`."""

    provider: ClassVar[str] = "llamacpp"
    default_base_url: ClassVar[str] = "http://localhost:8080/v1"
    waiting: ClassVar[PhaseName] = "prefill"

    def __init__(
        self,
        base_url: str | None = None,
        *,
        completion: bool = False,
        model: str | None = None,
        api_key: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
        headers: Mapping[str, str] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._completion = completion
        if completion:
            self.protocol, self.path = "llamacpp-completion", llamacpp_completion.PATH
        super().__init__(
            base_url,
            model=model,
            api_key=api_key,
            mode=mode,
            deadlines=deadlines,
            headers=headers,
            transport=transport,
        )

    def _address(self, url: str) -> str:
        address = super()._address(url)
        return address.removesuffix(self.default_path) if self._completion else address

    def request(self, messages: Messages, *, stream: bool = True, **options: Any) -> Request:
        if stream:
            options.setdefault("return_progress", True)
        return super().request(messages, stream=stream, **options)

    def body(self, request: Request) -> dict[str, Any]:
        return llamacpp_completion.body(request) if self._completion else super().body(request)

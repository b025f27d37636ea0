"""openai-compatible: any server with `/v1/chat/completions` of which nothing else is known.

Its text is read as `auto`, since many wrappers resend everything with each chunk (PROTOCOLS 8.1).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.models import Mismatch
from tokenweir.pipeline.protocols import openai_completions
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.listing import ListingSource
from tokenweir.stages.cumulative_detect import Mode


class OpenAICompatible(ListingSource):
    """An unknown server: `base_url` is needed. `completions=True` asks `/completions`, which completes
    one prompt, as base models and code models need it."""

    provider: ClassVar[str] = "openai-compatible"
    default_mode: ClassVar[Mode] = "auto"

    def __init__(
        self,
        base_url: str | None = None,
        *,
        completions: bool = False,
        model: str | None = None,
        api_key: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
        model_mismatch: Mismatch = "warn",
        headers: Mapping[str, str] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._completions = completions
        if completions:
            self.protocol, self.path = "openai-completions", openai_completions.PATH
        super().__init__(
            base_url,
            model=model,
            api_key=api_key,
            mode=mode,
            deadlines=deadlines,
            model_mismatch=model_mismatch,
            headers=headers,
            transport=transport,
        )

    def body(self, request: Request) -> dict[str, Any]:
        return openai_completions.body(request) if self._completions else super().body(request)

"""anthropic: the Messages API of Anthropic, or a server that imitates it (PROTOCOLS section 6)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.deadlines import HOSTED, Deadlines
from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.protocols import anthropic
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.listing import MODELS_PATH, ListingSource

VERSION = "2023-06-01"
"""The API's version, which it demands in a header; a caller's own `anthropic-version` wins."""


class Anthropic(ListingSource):
    """The hosted API. The key comes from `api_key` or ANTHROPIC_API_KEY; the model is needed.

    Parameters have their names in OpenAI's API, or the API's own (`thinking`, `top_k`). Its betas are asked
    for with `headers={"anthropic-beta": ...}`.
    """

    provider: ClassVar[str] = "anthropic"
    protocol: str = "anthropic"
    path: str = anthropic.PATH
    default_base_url: ClassVar[str] = "https://api.anthropic.com/v1"
    default_deadlines: ClassVar[Deadlines] = HOSTED
    key_variable: ClassVar[str | None] = "ANTHROPIC_API_KEY"
    model_required: ClassVar[bool] = True
    waiting: ClassVar[PhaseName] = "queued"
    models_path: ClassVar[str] = f"{MODELS_PATH}?limit=1000"

    def body(self, request: Request) -> dict[str, Any]:
        return anthropic.body(request)

    def credential(self, key: str) -> Mapping[str, str]:
        return {"x-api-key": key}

    def question(self, url: str, body: Mapping[str, Any] | None) -> HTTPRequest:
        asked = super().question(url, body)
        if "anthropic-version" in {name.lower() for name in asked.headers}:
            return asked
        return msgspec.structs.replace(asked, headers={**asked.headers, "anthropic-version": VERSION})

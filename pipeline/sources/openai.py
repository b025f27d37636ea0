"""openai: the OpenAI API (PROTOCOLS section 2)."""

from typing import ClassVar

from tokenweir.pipeline.deadlines import HOSTED, Deadlines
from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.sources.listing import ListingSource


class OpenAI(ListingSource):
    """The hosted API. The key comes from `api_key` or OPENAI_API_KEY; the padding of its chunks, which
    hides token lengths from observers of the network, stays the API's default unless asked off."""

    provider: ClassVar[str] = "openai"
    default_base_url: ClassVar[str] = "https://api.openai.com/v1"
    default_deadlines: ClassVar[Deadlines] = HOSTED
    key_variable: ClassVar[str | None] = "OPENAI_API_KEY"
    model_required: ClassVar[bool] = True
    waiting: ClassVar[PhaseName] = "queued"

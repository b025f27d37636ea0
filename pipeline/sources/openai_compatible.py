"""openai-compatible: any server with `/v1/chat/completions` of which nothing else is known.

Its text is read as `auto`, since many wrappers resend everything with each chunk (PROTOCOLS 8.1).
"""

from typing import ClassVar

from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.stages.cumulative_detect import Mode


class OpenAICompatible(HTTPSource):
    """An unknown server: `base_url` is needed."""

    provider: ClassVar[str] = "openai-compatible"
    default_mode: ClassVar[Mode] = "auto"

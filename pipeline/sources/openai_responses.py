"""openai-responses: the OpenAI API's newer face, `/v1/responses` (PROTOCOLS 7.1).

LM Studio, Ollama, vLLM, llama-server and others have it too: give their `base_url`.
"""

from typing import Any, ClassVar

from tokenweir.pipeline.protocols import openai_responses
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.openai import OpenAI


class OpenAIResponses(OpenAI):
    """The hosted API, or any server that speaks it. Parameters have their names in the chat API or in
    this one; the key is found as for `openai`, and goes to its address alone."""

    provider: ClassVar[str] = "openai-responses"
    protocol: str = "openai-responses"
    path: str = openai_responses.PATH

    def body(self, request: Request) -> dict[str, Any]:
        return openai_responses.body(request)

"""gemini: the Gemini API of Google (PROTOCOLS 7.2)."""

from typing import Any, ClassVar

from tokenweir.pipeline.deadlines import HOSTED, Deadlines
from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.json_value import as_list, as_text
from tokenweir.pipeline.models import Model
from tokenweir.pipeline.protocols import gemini
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.asking import ask
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.listing import MODELS_PATH, entries, first_count


class Gemini(HTTPSource):
    """The hosted API. `model` is needed ("models/" may stand before it). The key comes from `api_key` or
    GEMINI_API_KEY, and goes in a header, never in the address.

    Parameters have their names in OpenAI's API, or Gemini's own (`safetySettings`, `thinkingConfig`).
    What must go back to the model in the next request, the signatures of its thoughts, comes as Extras:
    put it into the assistant's message as `extra_content.google.thought_signature`, in the call beside
    which it stood, or else in the message itself.
    """

    provider: ClassVar[str] = "gemini"
    protocol: str = "gemini-sse"
    default_base_url: ClassVar[str] = "https://generativelanguage.googleapis.com/v1beta"
    default_path: ClassVar[str] = "/v1beta"
    default_deadlines: ClassVar[Deadlines] = HOSTED
    key_variable: ClassVar[str | None] = "GEMINI_API_KEY"
    model_required: ClassVar[bool] = True
    waiting: ClassVar[PhaseName] = "queued"

    def body(self, request: Request) -> dict[str, Any]:
        return gemini.body(request)

    def path_of(self, request: Request) -> str:
        return gemini.path(request)

    def credential(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key}

    async def models(self) -> list[Model]:
        told = entries(await ask(self, f"{MODELS_PATH}?pageSize=1000"), "models")
        return [
            Model(
                as_text(entry.get("name")).removeprefix("models/"),
                "loaded" if self.hosted else "unknown",
                context=first_count(entry, "inputTokenLimit"),
                native=as_raw(entry),
            )
            for entry in told
            if "generateContent" in as_list(entry.get("supportedGenerationMethods"))
        ]

"""ollama: Ollama's own API, by default at http://localhost:11434 (PROTOCOLS section 4).

It loads a model at the first request, in silence: no byte and no header before the first token. Its
own API is asked and not its OpenAI face, which loses the message of an error in mid-stream.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.model_names import same_model
from tokenweir.pipeline.models import Mismatch
from tokenweir.pipeline.protocols import ollama
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.ollama_models import OllamaModels
from tokenweir.stages.cumulative_detect import Mode


class Ollama(OllamaModels):
    """Ollama. `model` is needed. `generate=True` asks `/api/generate`, which completes one prompt.

    Parameters have their names in OpenAI's API, or Ollama's own (`think`, `keep_alive`, `format`,
    `num_ctx`). OLLAMA_API_KEY is read for https://ollama.com alone. `base_url` is the server's
    address; the `/api` that Ollama's documentation puts behind it may be there.

    Raises MisuseError for the address of its OpenAI face, besides what every source over HTTP refuses.
    """

    provider: ClassVar[str] = "ollama"
    default_base_url: ClassVar[str] = "http://localhost:11434"
    default_path: ClassVar[str] = ""
    key_variable: ClassVar[str | None] = "OLLAMA_API_KEY"
    key_base_url: ClassVar[str | None] = "https://ollama.com"
    model_required: ClassVar[bool] = True

    def __init__(
        self,
        base_url: str | None = None,
        *,
        generate: bool = False,
        model: str | None = None,
        api_key: str | None = None,
        mode: Mode | None = None,
        deadlines: Deadlines | None = None,
        model_mismatch: Mismatch = "warn",
        headers: Mapping[str, str] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.protocol = "ollama-generate" if generate else "ollama-chat"
        self.path = ollama.GENERATE_PATH if generate else ollama.CHAT_PATH
        self._body = ollama.generate_body if generate else ollama.chat_body
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

    def _address(self, url: str) -> str:
        address = super()._address(url).removesuffix("/api")
        if address.endswith("/v1"):
            msg = (
                f"base_url={address!r} is Ollama's OpenAI face: give {address.removesuffix('/v1')!r}, "
                "or use connect('openai-compatible', ...)"
            )
            raise MisuseError(msg)
        return address

    async def progress(self, request: Request) -> Phase | None:
        """Whether the model is in memory. Ollama lists one that is still on its way there too, and then
        counts its `expires_at` from the moment of the question: asked twice, it says something else."""
        before, after = await self._running(), await self._running()
        if before is None or after is None:
            return None
        name = next((name for name in after if same_model(request.model, name)), None)
        if name is None or name not in before:
            return Phase("loading")
        stays = before[name].get("expires_at") == after[name].get("expires_at")
        return Phase("prefill" if stays else "loading")

    def body(self, request: Request) -> dict[str, Any]:
        return self._body(request)

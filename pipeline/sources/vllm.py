"""vllm: the OpenAI server of vLLM, by default at http://localhost:8000 (PROTOCOLS 5.3)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.models import ModelState
from tokenweir.pipeline.sources.tokenize import TokenizingSource


class VLLM(TokenizingSource):
    """vLLM: `model` is needed, by the name that the server was started with."""

    provider: ClassVar[str] = "vllm"
    default_base_url: ClassVar[str] = "http://localhost:8000/v1"
    model_required: ClassVar[bool] = True
    listed_state: ClassVar[ModelState] = "loaded"
    waiting: ClassVar[PhaseName] = "prefill"

    def tokenize_body(self, text: str) -> Mapping[str, Any]:
        return {"prompt": text, "model": self.model}

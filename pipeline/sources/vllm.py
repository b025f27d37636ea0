"""vllm: the OpenAI server of vLLM, by default at http://localhost:8000 (PROTOCOLS 5.3)."""

from typing import ClassVar

from tokenweir.pipeline.events import PhaseName
from tokenweir.pipeline.sources.http import HTTPSource


class VLLM(HTTPSource):
    """vLLM: `model` is needed, by the name that the server was started with."""

    provider: ClassVar[str] = "vllm"
    default_base_url: ClassVar[str] = "http://localhost:8000/v1"
    model_required: ClassVar[bool] = True
    waiting: ClassVar[PhaseName] = "prefill"

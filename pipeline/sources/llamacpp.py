"""llamacpp: llama.cpp's llama-server, by default at http://localhost:8080 (PROTOCOLS 5.1).

While it loads, it answers every request with 503 `Loading model`, which is tried again until the
first-token deadline; `return_progress` is asked for, so that the prompt's progress is told.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.connection import Transport
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.errors import RequestError, StreamError
from tokenweir.pipeline.events import Phase, PhaseName
from tokenweir.pipeline.models import Mismatch, choose_model
from tokenweir.pipeline.protocols import llamacpp_completion
from tokenweir.pipeline.request import Messages, Request
from tokenweir.pipeline.sources.asking import ask
from tokenweir.pipeline.sources.listing import MODELS_PATH, entries
from tokenweir.pipeline.sources.llamacpp_models import LlamaCppModels
from tokenweir.pipeline.sources.llamacpp_progress import LoadProgress
from tokenweir.pipeline.sources.progress import phase_of
from tokenweir.stages.cumulative_detect import Mode

HEALTH_PATH = "/health"
_NO_SUCH_PATH = 404
_LISTEN = 0.2
"""Seconds in which a load that goes on tells how far it is."""


class LlamaCpp(LlamaCppModels):
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
        model_mismatch: Mismatch = "warn",
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
            model_mismatch=model_mismatch,
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

    async def progress(self, request: Request) -> Phase | None:
        """Of a router, which is silent while it loads. A server with a model of its own says that it loads
        in its answer, and is silent only while it reads the prompt. llama-cpp-python, which has no
        `/health`, is asked for nothing more: any question about its models ends the stream."""
        try:
            await ask(self, HEALTH_PATH, beside=True)
        except StreamError as refused:
            if refused.failure.status == _NO_SUCH_PATH:
                return None
            raise
        told = entries(await ask(self, f"/v1{MODELS_PATH}", beside=True), "data")
        try:
            model = choose_model(request.model, [self.listed(entry) for entry in told])
        except RequestError:
            return None
        phase = phase_of(model)
        if phase is None or phase.name != "loading":
            return phase
        with LoadProgress(self, model.id) as load:
            await load.listen()
            await load.wait(_LISTEN)
            return Phase("loading", load.value)

    def body(self, request: Request) -> dict[str, Any]:
        return llamacpp_completion.body(request) if self._completion else super().body(request)

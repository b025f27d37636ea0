"""The models of Ollama: `/api/tags` has them all, `/api/ps` those that are loaded (PROTOCOLS 4.2).

Law of this file: a model is loaded and unloaded by an empty request, which generates nothing. Embedding
models are left out where Ollama says which they are.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from tokenweir.pipeline.errors import StreamError
from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.models import Model, ModelState, choose_model
from tokenweir.pipeline.protocols import ollama
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.asking import ask, question
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.sources.listing import entries, first_count
from tokenweir.pipeline.sources.loading import LOAD_DEADLINE, LoadPhases, check_options

TAGS_PATH, RUNNING_PATH = "/api/tags", "/api/ps"
LOAD_OPTIONS = ("keep_alive", "options")
_MISSING = frozenset({404, 405})


class OllamaModels(HTTPSource):
    """Ollama, as far as its models go."""

    async def models(self) -> list[Model]:
        tags = entries(await ask(self, TAGS_PATH), "models")
        running = await self._running()
        return [_model(entry, running) for entry in tags if _answers(entry)]

    async def _running(self) -> Mapping[str, Mapping[str, Any]] | None:
        """Name -> entry of what is loaded; None where nobody tells: ollama.com has no such list."""
        try:
            loaded = entries(await ask(self, RUNNING_PATH), "models")
        except StreamError as refused:
            if refused.failure.status in _MISSING:
                return None
            raise
        return {as_text(entry.get("name")): entry for entry in loaded}

    async def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:
        check_options(self.provider, options, LOAD_OPTIONS)
        model = choose_model(name, await self.models())
        if model.state == "loaded" and not options:
            return
        empty = {"model": model.id, "stream": False, **options}
        async with question(self, ollama.GENERATE_PATH, empty, deadline=LOAD_DEADLINE) as asked:
            async for phase in LoadPhases(asked):
                yield phase
            await asked.payload()

    def warming(self, model: str | None, seconds: float) -> Request:
        """An empty request: it loads the model and generates nothing."""
        empty = ({"role": "user", "content": ""},) if self.protocol == "ollama-generate" else ()
        return Request(empty, model, stream=False, options={"keep_alive": seconds})

    async def unload(self, name: str) -> None:
        model = choose_model(name, await self.models())
        if model.state != "not_loaded":
            await ask(self, ollama.GENERATE_PATH, {"model": model.id, "stream": False, "keep_alive": 0})


def _answers(entry: Mapping[str, Any]) -> bool:
    able = as_list(entry.get("capabilities"))
    return not able or "completion" in able


def _model(entry: Mapping[str, Any], running: Mapping[str, Mapping[str, Any]] | None) -> Model:
    name = as_text(entry.get("name"))
    loaded = None if running is None else running.get(name)
    state: ModelState = "unknown" if running is None else "loaded" if loaded else "not_loaded"
    details = as_object(entry.get("details"))
    context = first_count(loaded or {}, "context_length") or first_count(details, "context_length")
    return Model(name, state, first_count(entry, "size"), context, native=as_raw(entry))

"""The models of llama-server: the one that it was started with, or those of its router (PROTOCOLS 5.1).

Law of this file: the state comes from the list, always; `/models/sse`, where it is, only says how far a load
has come. A server that is still loading answers everything with 503, and is then one model that loads.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from tokenweir.pipeline.errors import BusyError, CannotError, StreamError, error_for
from tokenweir.pipeline.events import End, Failure, Phase
from tokenweir.pipeline.json_value import as_count, as_object, as_text
from tokenweir.pipeline.models import LOADED_MODEL, Model, ModelState, choose_model
from tokenweir.pipeline.protocols.payload import read_payload
from tokenweir.pipeline.sources.asking import ask
from tokenweir.pipeline.sources.listing import MODELS_PATH, entries, first_count
from tokenweir.pipeline.sources.llamacpp_progress import LoadProgress
from tokenweir.pipeline.sources.loading import TICK, Patience, check_options, loading
from tokenweir.pipeline.sources.tokenize import TokenizingSource

PROPS_PATH = "/props"
_STATES: Mapping[str, ModelState] = {
    "loaded": "loaded",
    "loading": "loading",
    "downloading": "loading",
    "unloaded": "not_loaded",
    "sleeping": "not_loaded",
}


class LlamaCppModels(TokenizingSource):
    """llama-server, as far as its models go."""

    async def models(self) -> list[Model]:
        try:
            told = entries(await ask(self, f"/v1{MODELS_PATH}", beside=True), "data")
        except BusyError as busy:
            if busy.failure.kind != "model_loading":
                raise
            return [Model(self.model or LOADED_MODEL, "loading")]
        models = [self.listed(entry) for entry in told if as_text(entry.get("id"))]
        if len(models) == 1 and models[0].state == "unknown":
            return [await self._started_with(models[0])]
        return models

    def listed(self, entry: Mapping[str, Any]) -> Model:
        meta, status = as_object(entry.get("meta")), as_object(entry.get("status"))
        plain = super().listed(entry)
        return Model(
            plain.id,
            _STATES.get(as_text(status.get("value")), "unknown"),
            first_count(meta, "size"),
            plain.context or first_count(meta, "n_ctx", "n_ctx_train"),
            native=plain.native,
        )

    async def _started_with(self, model: Model) -> Model:
        """The one model of a server without a router. Its `/props` know the context that is loaded, and
        whether it sleeps; llama-cpp-python has none, and tells nothing of either."""
        try:
            props = as_object(await ask(self, PROPS_PATH, beside=True))
        except BusyError:
            return Model(model.id, "loading", model.size, model.context, native=model.native)
        except StreamError:
            return Model(model.id, "loaded", model.size, model.context, native=model.native)
        state: ModelState = "not_loaded" if props.get("is_sleeping") is True else "loaded"
        settings = as_object(props.get("default_generation_settings"))
        context = first_count(settings, "n_ctx") or model.context
        return Model(model.id, state, model.size, context, native=model.native)

    async def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:
        check_options(self.provider, options, ())
        model = choose_model(name, await self.models())
        if model.state == "loaded":
            return
        patience = Patience(self, model.id)
        with LoadProgress(self, model.id) as progress:
            if model.state == "not_loaded":
                await progress.listen()
                await self._tell("load", model.id)
            while await self._loads(model.id, progress):
                patience.check()
                yield loading(patience.elapsed, progress.value)
                await progress.wait(TICK)

    async def _loads(self, name: str, progress: LoadProgress) -> bool:
        """Whether it is still loading. Raises BackendError (kind `model_crashed`) where the load failed, and
        where the model lost its place meanwhile. One that sleeps again was loaded."""
        now = choose_model(name, await self.models())
        status = as_object(as_object(read_payload(now.native or b"null")).get("status"))
        word = as_text(status.get("value"))
        if now.state == "not_loaded" and status.get("failed") is True:
            code = as_count(status.get("exit_code"))
            message = f"{name} did not load (exit code {code}): the server's own log says why"
            raise error_for(End("error", Failure("model_crashed", message)))
        if now.state == "not_loaded" and progress.began:
            if word == "unloaded":
                message = f"{name} was unloaded while it loaded: another model may have taken its place"
                raise error_for(End("error", Failure("model_crashed", message, retryable=True)))
            return False
        if now.state == "loading" and word != "downloading":
            progress.began = True
        return now.state != "loaded"

    async def unload(self, name: str) -> None:
        model = choose_model(name, await self.models())
        if model.state != "not_loaded":
            await self._tell("unload", model.id)

    async def _tell(self, what: str, name: str) -> None:
        try:
            await ask(self, f"{MODELS_PATH}/{what}", {"model": name}, beside=True)
        except StreamError as refused:
            if refused.failure.status not in (404, 405):
                raise
            msg = f"{self.provider}: only a llama-server without a model of its own (a router) can {what} one"
            raise CannotError(msg) from None

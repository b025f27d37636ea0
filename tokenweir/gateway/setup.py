"""One configuration at work: its backends, made from their settings.

Law of this file: settings into sources and stages. A setup never changes; another configuration is
another setup, and this one is closed when its last answer is over.
"""

from collections.abc import Mapping
from typing import Any, cast

import anyio
from msgspec.structs import replace

from tokenweir.config.read import Loaded
from tokenweir.config.schema import Backend, Config, HTTPSettings
from tokenweir.config.stages import stages_of
from tokenweir.gateway.catalog import Catalog
from tokenweir.gateway.mishap import harmless
from tokenweir.gateway.slots import Slots
from tokenweir.gateway.warm import Warm
from tokenweir.pipeline.activity import Activity, Answering
from tokenweir.pipeline.arrival import Route
from tokenweir.pipeline.deadlines import Deadlines
from tokenweir.pipeline.events import Event, Failure
from tokenweir.pipeline.request import Messages
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.append_only import append_only
from tokenweir.stages.coalesce import coalesce
from tokenweir.stages.token_count import token_count


class Served:
    """One backend: its source, its stages, the models that it lists, and the places that it has."""

    def __init__(self, name: str, settings: Backend, key: str | None, queue: int) -> None:
        self.name = name
        self.settings = settings
        self.source = _source(settings, key, settings.provider, settings.base_url, settings.options)
        self.catalog = Catalog(self.source)
        self.slots = Slots(settings.max_concurrent, queue)
        self._chat = _Chains(self.source, settings)
        self._key = key
        self._prompt: _Chains | None = None
        self.source.activity = _Together(self)

    def route(
        self, messages: Messages, model: str | None, options: Mapping[str, Any], *, stream: bool, prompt: bool
    ) -> Route:
        """What is asked of it. The settings' defaults stand where the request says nothing. `prompt` asks
        for one prompt to be completed, where the backend can do that; else it is one user message.

        Raises MisuseError for parameters that this backend does not have."""
        chains = self._completing() if prompt else self._chat
        asked = {**self.settings.defaults, **options}
        request = chains.source.request(messages, model=model, **asked)
        return Route(chains.source, request, chains.flowing if stream else chains.whole)

    def sources(self) -> list[Source]:
        """All that it asks through."""
        return [self.source] if self._prompt is None else [self.source, self._prompt.source]

    def unnamed(self, failure: Failure) -> Failure:
        """A failure whose message names this backend, and not its address."""
        if not isinstance(self.source, HTTPSource):
            return failure
        scheme, _, rest = self.source.base_url.partition("://")
        place = rest.partition("/")[0]
        told = failure.message
        for address in (self.source.base_url, f"{scheme}://{place}", place):
            told = told.replace(address, f"backend {self.name!r}")
        return replace(failure, message=told)

    def _completing(self) -> "_Chains":
        if self._prompt is None:
            settings = self.settings
            provider, option = _COMPLETING.get(settings.provider, (None, ""))
            if provider is None:
                return self._chat
            address = settings.base_url or (
                self.source.default_base_url if isinstance(self.source, HTTPSource) else None
            )
            source = _source(settings, self._key, provider, address, {option: True})
            source.activity = self.source.activity
            self._prompt = _Chains(source, settings)
        return self._prompt


_COMPLETING: Mapping[str, tuple[str, str]] = {
    "llamacpp": ("llamacpp", "completion"),
    "lmstudio": ("openai-compatible", "completions"),
    "mlx": ("openai-compatible", "completions"),
    "ollama": ("ollama", "generate"),
    "openai": ("openai-compatible", "completions"),
    "openai-compatible": ("openai-compatible", "completions"),
    "vllm": ("openai-compatible", "completions"),
}
"""Provider -> the source that completes a prompt there, and its option for that. The others only chat."""


class _Together(Activity):
    """What one backend answers, through whichever of its sources: it has one memory for its models."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._served = served

    def streams(self, source: object) -> list[Answering]:  # noqa: ARG002 - all of them stand for one another
        return [stream for one in self._served.sources() for stream in Activity.streams(self, one)]


class _Chains:
    """What is done to a source's bytes: `flowing` to answers that are streamed on, `whole` to those that
    are gathered first. Whoever streams cannot take text back."""

    def __init__(self, source: Source, settings: Backend) -> None:
        self.source = source
        own = stages_of(settings)
        counted = any("token_count" in part.name for stage in own for part in stage.parts)
        self.whole = _chain([source.stage, *own, *([] if counted else [token_count()])])
        later: list[Stage[Any, Any]] = [] if source.mode == "delta" else [append_only()]
        if settings.streaming.coalesce_secs is not None:
            later.append(coalesce(seconds=settings.streaming.coalesce_secs))
        self.flowing = _chain([self.whole, *later])


class Setup:
    """A configuration at work. `unused` is set while no request uses it."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.config: Config = loaded.config
        self.backends: dict[str, Served] = {
            name: Served(name, settings, loaded.backend_keys.get(name), self.config.limits.max_queued)
            for name, settings in self.config.all_backends().items()
        }
        self.warm = Warm(self.backends.values())
        self._entered = 0
        self.unused = anyio.Event()
        self.unused.set()

    def enter(self) -> None:
        """A request uses it."""
        self._entered += 1
        if self._entered == 1:
            self.unused = anyio.Event()

    def leave(self) -> None:
        """It does no more."""
        self._entered -= 1
        if self._entered == 0:
            self.unused.set()

    async def aclose(self) -> None:
        """Close every backend's connections, when the last request that uses them is over."""
        await self.unused.wait()
        for served in self.backends.values():
            for source in served.sources():
                with harmless("close", backend=served.name):
                    await source.aclose()


def _source(
    settings: Backend, key: str | None, provider: str, base_url: str | None, own: Mapping[str, Any]
) -> Source:
    options = dict(own)
    if key is not None:
        options["api_key"] = key
    if settings.default_model is not None:
        options["model"] = settings.default_model
    if settings.streaming.mode is not None:
        options["mode"] = settings.streaming.mode
    source = connect(provider, base_url, profile=settings.profile, **options)
    source.model_mismatch = "error"
    source.deadlines = _deadlines(settings.http, source.deadlines)
    if not settings.streaming.enabled:
        source.adapt(finish_required=source.finish_required, supports_streaming=False)
    return source


def _deadlines(http: HTTPSettings, usual: Deadlines) -> Deadlines:
    """`timeout_secs` is the time between two tokens; a model may load for longer than that."""
    first = http.first_token_timeout_secs
    return replace(
        usual,
        connect=http.connect_timeout_secs,
        first_token=usual.first_token if first is None else first,
        silence=http.silence_timeout_secs,
        between_tokens=http.timeout_secs,
        total=http.total_timeout_secs,
    )


def _chain(stages: list[Stage[Any, Any]]) -> Stage[bytes, Event]:
    fused = stages[0]
    for stage in stages[1:]:
        fused = fused | stage
    return cast("Stage[bytes, Event]", fused)

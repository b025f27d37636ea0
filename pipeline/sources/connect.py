"""connect: a source by its name.

Law of this file: the one table of built-in sources, in the entry-point form (`module:class`), so that
nothing is imported before it is asked for and no room imports what stands above it.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.plugins import plugin
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.profile import Profile, read_profile

SOURCES: Mapping[str, str] = {
    "anthropic": "tokenweir.pipeline.sources.anthropic:Anthropic",
    "gemini": "tokenweir.pipeline.sources.gemini:Gemini",
    "llamacpp": "tokenweir.pipeline.sources.llamacpp:LlamaCpp",
    "lmstudio": "tokenweir.pipeline.sources.lmstudio:LMStudio",
    "lmstudio-native": "tokenweir.pipeline.sources.lmstudio_native:LMStudioNative",
    "mlx": "tokenweir.pipeline.sources.mlx:MLX",
    "ollama": "tokenweir.pipeline.sources.ollama:Ollama",
    "openai": "tokenweir.pipeline.sources.openai:OpenAI",
    "openai-compatible": "tokenweir.pipeline.sources.openai_compatible:OpenAICompatible",
    "openai-responses": "tokenweir.pipeline.sources.openai_responses:OpenAIResponses",
    "replay": "tokenweir.pipeline.sources.replay:Replay",
    "simulator": "tokenweir.simulator.source:SimulatorSource",
    "vllm": "tokenweir.pipeline.sources.vllm:VLLM",
}
"""Provider name -> `module:class`."""


def connect(
    provider: str | None = None,
    base_url: str | None = None,
    *,
    profile: Profile | Mapping[str, Any] | str | Path | None = None,
    **options: Any,
) -> Source:
    """The source of a provider: one of SOURCES, or one that an installed distribution offers (an entry
    point of the group `tokenweir.sources`).

    `options` are those of the source's class: for servers `model`, `api_key`, `mode` ("delta",
    "cumulative" or "auto"), `deadlines` and `headers`; for `replay` the `path` of a recording; for
    `simulator` its switches. Nothing is asked of the network here.

    `profile` is what `tokenweir doctor --json` found out about a backend: a file, or what it holds. What
    is given beside it wins.

    Raises MisuseError for an unknown provider, for one that cannot be loaded, for options that the
    provider does not have, and for a profile that cannot be read.

    >>> connect("lmstudio", model="qwen3-8b").mode
    'auto'
    """
    known = None if profile is None else read_profile(profile)
    if known is not None:
        provider, base_url = provider or known.provider, base_url or known.base_url
        options = known.options() | options
    if provider is None:
        msg = f"connect() needs a provider, or a profile=; providers are {', '.join(SOURCES)}"
        raise MisuseError(msg)
    make = _built_in(provider) if provider in SOURCES else plugin("tokenweir.sources", provider, SOURCES)
    if base_url is not None:
        options["base_url"] = base_url
    try:
        source = make(**options)
    except TypeError as wrong:
        msg = f"connect({provider!r}): {str(wrong).rpartition('__init__() ')[2]}"
        raise MisuseError(msg) from None
    if not isinstance(source, Source):
        msg = f"connect({provider!r}): its entry point made {source!r}, which is no tokenweir.Source"
        raise MisuseError(msg)
    if known is not None:
        source.adapt(finish_required=known.finish_required, supports_streaming=known.supports_streaming)
    return source


def _built_in(provider: str) -> type[Source]:
    module, _, name = SOURCES[provider].partition(":")
    make: type[Source] = getattr(import_module(module), name)
    return make

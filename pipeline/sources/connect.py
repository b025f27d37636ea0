"""connect: a source by its name.

Law of this file: the one table of built-in sources, in the entry-point form (`module:class`), so that
nothing is imported before it is asked for and no room imports what stands above it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.plugins import plugin
from tokenweir.pipeline.sources.base import Source

SOURCES: Mapping[str, str] = {
    "anthropic": "tokenweir.pipeline.sources.anthropic:Anthropic",
    "gemini": "tokenweir.pipeline.sources.gemini:Gemini",
    "llamacpp": "tokenweir.pipeline.sources.llamacpp:LlamaCpp",
    "lmstudio": "tokenweir.pipeline.sources.lmstudio:LMStudio",
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


def connect(provider: str, base_url: str | None = None, **options: Any) -> Source:
    """The source of a provider: one of SOURCES, or one that an installed distribution offers (an entry
    point of the group `tokenweir.sources`).

    `options` are those of the source's class: for servers `model`, `api_key`, `mode` ("delta",
    "cumulative" or "auto"), `deadlines` and `headers`; for `replay` the `path` of a recording; for
    `simulator` its switches. Nothing is asked of the network here.

    Raises MisuseError for an unknown provider, for one that cannot be loaded, and for options that the
    provider does not have.

    >>> connect("lmstudio", model="qwen3-8b").mode
    'auto'
    """
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
    return source


def _built_in(provider: str) -> type[Source]:
    module, _, name = SOURCES[provider].partition(":")
    make: type[Source] = getattr(import_module(module), name)
    return make

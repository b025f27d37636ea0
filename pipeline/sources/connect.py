"""connect: a source by its name.

Law of this file: the one table of built-in sources, in the entry-point form (`module:class`), so that
nothing is imported before it is asked for and no room imports what stands above it.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.base import Source

SOURCES: Mapping[str, str] = {
    "llamacpp": "tokenweir.pipeline.sources.llamacpp:LlamaCpp",
    "lmstudio": "tokenweir.pipeline.sources.lmstudio:LMStudio",
    "mlx": "tokenweir.pipeline.sources.mlx:MLX",
    "openai": "tokenweir.pipeline.sources.openai:OpenAI",
    "openai-compatible": "tokenweir.pipeline.sources.openai_compatible:OpenAICompatible",
    "replay": "tokenweir.pipeline.sources.replay:Replay",
    "simulator": "tokenweir.simulator.source:SimulatorSource",
    "vllm": "tokenweir.pipeline.sources.vllm:VLLM",
}
"""Provider name -> `module:class`."""


def connect(provider: str, base_url: str | None = None, **options: Any) -> Source:
    """The source of a provider.

    `options` are those of the source's class: for servers `model`, `api_key`, `mode` ("delta",
    "cumulative" or "auto"), `deadlines` and `headers`; for `replay` the `path` of a recording; for
    `simulator` its switches. Nothing is asked of the network here.

    Raises MisuseError for an unknown provider, and for options that the provider does not have.

    >>> connect("lmstudio", model="qwen3-8b").mode
    'auto'
    """
    if provider not in SOURCES:
        near = get_close_matches(provider, SOURCES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        msg = f"no provider {provider!r}{hint} There are: {', '.join(sorted(SOURCES))}"
        raise MisuseError(msg)
    module, _, name = SOURCES[provider].partition(":")
    make: type[Source] = getattr(import_module(module), name)
    if base_url is not None:
        options["base_url"] = base_url
    try:
        return make(**options)
    except TypeError as wrong:
        msg = f"connect({provider!r}): {str(wrong).removeprefix(f'{name}.__init__() ')}"
        raise MisuseError(msg) from None

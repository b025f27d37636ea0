"""decode_protocol: wire events in, the vocabulary out, for one named wire protocol.

Law of this file: the name table, in the entry-point form, so that a protocol is imported only when
it is used. The decoding itself stands in pipeline/protocols/, one file per protocol.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Literal

from tokenweir.pipeline.core import Core
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Event, WireItem
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.ndjson_decode import ndjson_decode
from tokenweir.stages.sse_decode import sse_decode

PROTOCOLS: Mapping[str, str] = {
    "anthropic": "tokenweir.pipeline.protocols.anthropic_decode:AnthropicDecode",
    "gemini-json-array": "tokenweir.pipeline.protocols.gemini_decode:GeminiDecode",
    "gemini-sse": "tokenweir.pipeline.protocols.gemini_decode:GeminiDecode",
    "llamacpp-completion": "tokenweir.pipeline.protocols.llamacpp_completion_decode:LlamaCppCompletionDecode",
    "lmstudio-native": "tokenweir.pipeline.protocols.lmstudio_native_decode:LMStudioNativeDecode",
    "lmstudio-v1": "tokenweir.pipeline.protocols.lmstudio_v1_decode:LMStudioV1Decode",
    "ollama-chat": "tokenweir.pipeline.protocols.ollama_decode:OllamaChatDecode",
    "ollama-generate": "tokenweir.pipeline.protocols.ollama_decode:OllamaGenerateDecode",
    "openai-chat": "tokenweir.pipeline.protocols.openai_chat_decode:OpenAIChatDecode",
    "openai-completions": "tokenweir.pipeline.protocols.openai_completions_decode:OpenAICompletionsDecode",
    "openai-responses": "tokenweir.pipeline.protocols.openai_responses_decode:OpenAIResponsesDecode",
}
"""Protocol name -> `module:class` of its decoder."""

FRAMING: Mapping[str, Literal["sse", "ndjson"]] = {
    "anthropic": "sse",
    "gemini-json-array": "ndjson",
    "gemini-sse": "sse",
    "llamacpp-completion": "sse",
    "lmstudio-native": "ndjson",
    "lmstudio-v1": "sse",
    "ollama-chat": "ndjson",
    "ollama-generate": "ndjson",
    "openai-chat": "sse",
    "openai-completions": "sse",
    "openai-responses": "sse",
}
"""Protocol name -> how its payloads are framed."""


def decode_frames(protocol: str, *, strict: bool = False) -> Stage[bytes, WireItem]:
    """The stage that makes wire events of a protocol's bytes: `sse_decode` or `ndjson_decode`. `strict`
    is sse_decode's, and nothing to the other. Raises MisuseError for a name that is not in `PROTOCOLS`.

    >>> decode_frames("ollama-chat")
    <Stage ndjson_decode>
    """
    _check(protocol)
    return ndjson_decode() if FRAMING[protocol] == "ndjson" else sse_decode(strict=strict)


def decode_protocol(
    name: str, *, provider: str | None = None, finish_required: bool = True
) -> Stage[WireItem, Event]:
    """Decode the payloads of one wire protocol.

    In: `SSEEvent`, `Comment`, `Done`. Out: events, `Done` at the backend's own last word and nothing
    after it. `provider` is the name that `Start` carries. `finish_required=False` is for a backend
    known never to send a finish reason. Held: half of a surrogate pair per channel, and tool
    arguments that come before their call's name.

    Raises MisuseError for a name that is not in `PROTOCOLS`.

    >>> stage = decode_protocol("openai-chat")
    >>> from tokenweir.pipeline.events import SSEEvent
    >>> stage.core().feed([SSEEvent(b'{"id":"a","choices":[{"index":0,"delta":{"content":"Hi"}}]}')])[1]
    Delta(text='Hi', channel='text', index=0)
    """
    _check(name)
    module, _, attribute = PROTOCOLS[name].partition(":")
    make: Callable[..., Core[Any, Any]] = getattr(import_module(module), attribute)
    return Stage(
        lambda: make(provider, finish_required=finish_required),
        f"decode_protocol({name})",
        takes="wire",
        gives="events",
    )


def _check(name: str) -> None:
    if name not in PROTOCOLS:
        known = ", ".join(sorted(PROTOCOLS))
        msg = f"decode_protocol({name!r}): no such protocol; there are: {known}"
        raise MisuseError(msg)

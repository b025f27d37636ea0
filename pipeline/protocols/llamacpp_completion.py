"""llamacpp-completion, asking: a request as the body of llama-server's own `/completion`.

Law of this file: pure; the body's form, and which of llama-server's parameters each of OpenAI's is
(PROTOCOLS 5.1). This wire completes one prompt: it has no roles and no tools, and images only for a
prompt that holds the model's own marks for them, which nobody can write for the caller.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.protocols.messages import text_of
from tokenweir.pipeline.protocols.options import (
    BESIDE,
    TOOLS,
    asked,
    prompt_of,
    refuse,
    refuse_choices,
    schema_of,
)
from tokenweir.pipeline.request import Request

PATH = "/completion"

_WHO, _INSTEAD = "completion=True", "leave completion=True out"
_NO_FORM = TOOLS | {"reasoning_effort", "modalities", "audio", "prediction", "web_search_options"}
_RENAMED: Mapping[str, str] = {
    "max_tokens": "n_predict",
    "max_completion_tokens": "n_predict",
    "repetition_penalty": "repeat_penalty",
}
_READ = frozenset({"n", "response_format", "logprobs", "top_logprobs", "store"}) | _NO_FORM | BESIDE


def body(request: Request) -> dict[str, Any]:
    """The JSON body. Unknown options pass under their own names (`cache_prompt`, `grammar`, `mirostat`).

    Raises MisuseError for anything but one user message of text alone, more than one choice (but
    `n_cmpl` passes), a response format that is not JSON, and options that only a chat has.

    >>> body(Request(({"role": "user", "content": "Once"},), options={"max_tokens": 9, "stop": "."}))
    {'prompt': 'Once', 'stream': True, 'n_predict': 9, 'stop': ['.']}
    """
    given = asked(request.options)
    refuse(given, _NO_FORM, _WHO, _INSTEAD)
    refuse_choices(given, _WHO)
    prompt = text_of(prompt_of(request.messages, _WHO, _INSTEAD), "messages[0]")
    made: dict[str, Any] = {"prompt": prompt, "stream": request.stream}
    if request.model is not None:
        made["model"] = request.model
    schema = schema_of(given, _WHO)
    if schema is not None:
        made["json_schema"] = schema
    if given.get("logprobs"):
        made["n_probs"] = given.get("top_logprobs") or 1
    made |= {_RENAMED.get(name, name): value for name, value in given.items() if name not in _READ}
    if isinstance(made.get("stop"), str):
        made["stop"] = [made["stop"]]
    return made

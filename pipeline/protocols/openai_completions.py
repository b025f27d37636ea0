"""openai-completions, asking: a request as the body of `/v1/completions`.

Law of this file: pure; the body's form. This wire completes one prompt: it has no roles, no images and
no tools. Its options are OpenAI's, so they pass as they are; `max_completion_tokens` is `max_tokens`
here, and `logprobs` a number.
"""

from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.messages import text_of
from tokenweir.pipeline.protocols.options import TOOLS, asked, prompt_of, refuse
from tokenweir.pipeline.request import Request

PATH = "/completions"

_WHO, _INSTEAD = "completions=True", "leave completions=True out"
_NO_FORM = TOOLS | {"reasoning_effort", "modalities", "audio", "prediction", "web_search_options"}


def body(request: Request, *, stream_options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The JSON body. The caller's own options win over what is added here.

    Raises MisuseError for anything but one user message of text alone, and for options that only a chat
    has.

    >>> body(Request(({"role": "user", "content": "Once"},), "m", stream=False, options={"max_tokens": 9}))
    {'prompt': 'Once', 'stream': False, 'model': 'm', 'max_tokens': 9}
    """
    given = asked(request.options)
    refuse(given, _NO_FORM, _WHO, _INSTEAD)
    prompt = text_of(prompt_of(request.messages, _WHO, _INSTEAD), "messages[0]")
    made: dict[str, Any] = {"prompt": prompt, "stream": request.stream}
    if request.model is not None:
        made["model"] = request.model
    if request.stream:
        made["stream_options"] = {"include_usage": True, **(stream_options or {})}
    limit = {"max_tokens": given.pop("max_completion_tokens")} if "max_completion_tokens" in given else {}
    made |= limit | _logprobs(given)
    beside = {"logprobs", "top_logprobs", "parallel_tool_calls"} | _NO_FORM
    return made | {name: value for name, value in given.items() if name not in beside}


def _logprobs(given: dict[str, Any]) -> dict[str, Any]:
    """How many alternatives there are for each token: 0 is the token alone."""
    wanted, top = given.get("logprobs", False), given.get("top_logprobs")
    if wanted is False:
        if top:
            msg = f"top_logprobs={top!r}: it needs logprobs=True"
            raise MisuseError(msg)
        return {}
    return {"logprobs": (top or 0) if wanted is True else wanted}

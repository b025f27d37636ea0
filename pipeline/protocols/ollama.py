"""ollama, asking: a request as the body of `/api/chat` or `/api/generate`.

Law of this file: pure; the body's form, and which of Ollama's own parameters each of OpenAI's is
(PROTOCOLS 4.1). Messages stand in ollama_messages.py. What has no form here is refused by name, and
not left out in silence; only what asks for nothing (`n=1`, `tool_choice="auto"`) goes without a word.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.protocols.ollama_messages import content_of, messages_of
from tokenweir.pipeline.request import Request

CHAT_PATH, GENERATE_PATH = "/api/chat", "/api/generate"

_CHAT = frozenset({"tools", "format", "think", "keep_alive", "logprobs", "top_logprobs", "truncate", "shift"})
_GENERATE = frozenset(
    {"suffix", "template", "context", "raw", "format", "think", "keep_alive", "logprobs", "top_logprobs"}
) | {"truncate", "shift"}
"""Ollama's own names for what stands in the body itself; every other parameter is a model option."""

_RENAMED: Mapping[str, str] = {
    "max_tokens": "num_predict",
    "max_completion_tokens": "num_predict",
    "repetition_penalty": "repeat_penalty",
}
_READ = frozenset({"response_format", "reasoning_effort", "tools", "tool_choice", "n", "options"})
_BESIDE = frozenset(
    {"stream_options", "user", "metadata", "store", "service_tier", "parallel_tool_calls"}
) | {"safety_identifier", "prompt_cache_key"}
"""What OpenAI's service keeps about a request: there is nobody here to keep it."""

_EFFORT: Mapping[str, object] = {"none": False, "minimal": "low", "xhigh": "max"}


def chat_body(request: Request) -> dict[str, Any]:
    """The JSON body of `/api/chat`.

    Raises MisuseError for messages that Ollama cannot take (see messages_of), more than one choice, a
    tool that must be called, and a response format that it does not have.

    >>> chat_body(Request(({"role": "user", "content": "Hi"},), "m", options={"max_tokens": 9}))["options"]
    {'num_predict': 9}
    """
    return _body(request, {"messages": messages_of(request.messages)}, _CHAT)


def generate_body(request: Request) -> dict[str, Any]:
    """The JSON body of `/api/generate`.

    Raises MisuseError for anything but one user message, with at most one system message before it.
    """
    *before, last = request.messages
    roles = [message["role"] for message in request.messages]
    if roles not in (["user"], ["system", "user"]):
        msg = (
            "ollama with generate=True takes one prompt (and a system message before it), "
            "not a conversation: leave generate=True out"
        )
        raise MisuseError(msg)
    prompt, images = content_of(last, "messages[-1]")
    content: dict[str, Any] = {"prompt": prompt}
    if images:
        content["images"] = images
    if before:
        content["system"] = content_of(before[0], "messages[0]")[0]
    return _body(request, content, _GENERATE)


def _body(request: Request, content: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    given = {name: value for name, value in request.options.items() if value is not None}
    if given.get("n", 1) != 1:
        msg = f"n={given['n']!r}: ollama gives one choice; ask once for each"
        raise MisuseError(msg)
    made: dict[str, Any] = {"model": request.model, **content, "stream": request.stream}
    made |= _format(given) | _think(given) | _tools(given, own)
    made |= {name: given[name] for name in given if name in own and name != "tools"}
    options = _options({name: given[name] for name in given if name not in own | _READ | _BESIDE})
    options.update(as_object(given.get("options")))
    return made | ({"options": options} if options else {})


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Model options: unknown ones pass under their own names (`num_ctx`, `mirostat`, `min_p`)."""
    options = {_RENAMED.get(name, name): value for name, value in given.items()}
    if isinstance(options.get("stop"), str):
        options["stop"] = [options["stop"]]
    return options


def _format(given: Mapping[str, Any]) -> dict[str, Any]:
    wanted = as_object(given.get("response_format"))
    kind = wanted.get("type")
    if "response_format" not in given or kind == "text":
        return {}
    if kind == "json_object":
        return {"format": "json"}
    schema = as_object(wanted.get("json_schema")).get("schema")
    if kind == "json_schema" and isinstance(schema, dict):
        return {"format": schema}
    msg = f"response_format={given['response_format']!r:.80}: ollama has text, json_object and json_schema"
    raise MisuseError(msg)


def _think(given: Mapping[str, Any]) -> dict[str, Any]:
    effort = given.get("reasoning_effort")
    return {} if effort is None else {"think": _EFFORT.get(as_text(effort), effort)}


def _tools(given: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    tools, choice = given.get("tools"), given.get("tool_choice", "auto")
    if choice not in ("auto", "none"):
        msg = (
            f"tool_choice={choice!r:.60}: ollama has 'auto' and 'none'; offer only the tools that it may call"
        )
        raise MisuseError(msg)
    if not tools or choice == "none":
        return {}
    if "tools" not in own:
        msg = "ollama with generate=True takes no tools: leave generate=True out"
        raise MisuseError(msg)
    return {"tools": tools}

"""anthropic, asking: a request as the body of `/v1/messages`.

Law of this file: pure; the body's form, and which of the API's own parameters each of OpenAI's is
(PROTOCOLS section 6; the parameters of the official SDK). Messages stand in anthropic_messages.py. What
has no form here is refused by name, and not left out in silence; only what asks for nothing (`n=1`,
`seed=None`) goes without a word. Every other name is the API's own, and passes.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_count, as_object, as_text
from tokenweir.pipeline.protocols.anthropic_messages import conversation_of
from tokenweir.pipeline.protocols.options import asked, refuse, refuse_choices, schema_of
from tokenweir.pipeline.request import Request

PATH = "/messages"

DEFAULT_MAX_TOKENS = 4096
"""Tokens of an answer where nobody says: the API demands a bound, and every model of it takes this one.
It comes on top of a thinking budget, which counts towards the bound."""

_READ = frozenset(
    {"max_tokens", "max_completion_tokens", "n", "parallel_tool_calls", "reasoning_effort"}
    | {"response_format", "safety_identifier", "stop", "tool_choice", "tools", "user"}
)
_BESIDE = frozenset({"stream_options", "store", "prompt_cache_key"})
"""What OpenAI's service keeps about a request, and the usage that this API always sends."""
_NO_FORM = frozenset(
    {"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "modalities"}
    | {"prediction", "presence_penalty", "seed", "top_logprobs", "verbosity", "web_search_options"}
)
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
_EFFORT: Mapping[str, str] = {"minimal": "low"}
"""OpenAI's words for an effort that the API says otherwise."""
_CHOICE: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any"}


def body(request: Request) -> dict[str, Any]:
    """The JSON body.

    `reasoning_effort` asks for adaptive thinking at that effort (`none`: for no thinking); where the caller
    gives `thinking`, that stands. `user` is the `user_id` of the API's metadata.

    Raises MisuseError for messages that the API cannot take (see conversation_of), more than one choice,
    and any parameter that it has no form for.

    >>> body(Request(({"role": "user", "content": "Hi"},), "m", options={"stop": "."}))["stop_sequences"]
    ['.']
    """
    given = asked(request.options)
    refuse_choices(given, "anthropic")
    refuse(given, _NO_FORM, "anthropic", "leave it out")
    system, turns = conversation_of(request.messages)
    if system and "system" in given:
        msg = "system=... beside a system message: give one of them"
        raise MisuseError(msg)
    made: dict[str, Any] = {"model": request.model, "max_tokens": _bound(given), "messages": turns}
    if system:
        made["system"] = system
    made["stream"] = request.stream
    made |= _tools(given) | _thinking(given)
    if "stop" in given:
        made["stop_sequences"] = [given["stop"]] if isinstance(given["stop"], str) else given["stop"]
    passed = {name: given[name] for name in given if name not in _READ | _BESIDE | _NO_FORM}
    made |= passed | _joined(passed, "metadata", _user(given))
    return made | _joined(passed, "output_config", _output(given))


def _bound(given: Mapping[str, Any]) -> Any:
    told = given.get("max_completion_tokens", given.get("max_tokens"))
    if told is not None:
        return told
    return DEFAULT_MAX_TOKENS + (as_count(as_object(given.get("thinking")).get("budget_tokens")) or 0)


def _joined(passed: Mapping[str, Any], name: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller gave under a name of the API's own, and what comes to it; the caller's wins."""
    return {name: {**more, **as_object(passed.get(name))}} if more else {}


def _user(given: Mapping[str, Any]) -> dict[str, Any]:
    told = given.get("user", given.get("safety_identifier"))
    return {} if told is None else {"user_id": told}


def _thinking(given: Mapping[str, Any]) -> dict[str, Any]:
    effort = given.get("reasoning_effort")
    if effort is None or "thinking" in given:
        return {}
    return {"thinking": {"type": "disabled" if effort == "none" else "adaptive"}}


def _output(given: Mapping[str, Any]) -> dict[str, Any]:
    effort, schema = given.get("reasoning_effort", "none"), schema_of(given, "anthropic")
    made: dict[str, Any] = {} if effort == "none" else {"effort": _EFFORT.get(as_text(effort), effort)}
    if schema is None:
        return made
    if not schema:
        msg = "response_format={'type': 'json_object'}: anthropic needs a schema; give one as json_schema"
        raise MisuseError(msg)
    return {**made, "format": {"type": "json_schema", "schema": schema}}


def _tools(given: Mapping[str, Any]) -> dict[str, Any]:
    tools = [_tool(tool, f"tools[{at}]") for at, tool in enumerate(given.get("tools") or ())]
    choice = _choice(given.get("tool_choice", "auto"))
    if not tools and choice["type"] in ("auto", "none"):
        return {}
    if given.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools} if choice == {"type": "auto"} else {"tools": tools, "tool_choice": choice}


def _tool(tool: object, where: str) -> Mapping[str, Any]:
    """A function in OpenAI's form, or a tool in the API's own."""
    fields = as_object(tool)
    function = as_object(fields.get("function"))
    if fields.get("type") != "function":
        if fields.get("name"):
            return fields
    elif function.get("name"):
        made = {name: function[name] for name in ("name", "description", "strict") if name in function}
        schema = function.get("parameters") or _NO_PARAMETERS
        beside = {name: value for name, value in fields.items() if name not in ("type", "function")}
        return {**made, "input_schema": schema, **beside}
    msg = f"{where} is {tool!r:.80}: a function in OpenAI's form, or a tool of anthropic's own with a name"
    raise MisuseError(msg)


def _choice(choice: object) -> dict[str, Any]:
    fields, word = as_object(choice), as_text(choice)
    if word in _CHOICE:
        return {"type": _CHOICE[word]}
    if fields.get("type") == "function":
        return {"type": "tool", "name": as_object(fields.get("function")).get("name")}
    if fields.get("type") in ("auto", "any", "tool", "none"):
        return dict(fields)
    msg = f"tool_choice={choice!r:.60}: 'auto', 'none', 'required', or one function by its name"
    raise MisuseError(msg)

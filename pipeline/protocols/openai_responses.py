"""openai-responses, asking: a request as the body of `/v1/responses`.

Law of this file: pure; the body's form, and what each parameter of the chat API is called here
(PROTOCOLS 7.1). Messages stand in openai_responses_input.py, tools in openai_responses_tools.py. What
has no form here is refused by name, and not left out in silence; only what asks for nothing (`n=1`,
`include_usage`: usage always comes) goes without a word.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list, as_object
from tokenweir.pipeline.protocols.openai_responses_input import input_of
from tokenweir.pipeline.protocols.openai_responses_tools import choice_of, tools_of
from tokenweir.pipeline.request import Request

PATH = "/responses"

_NO_FORM: Mapping[str, str] = {
    "stop": "put stop_at(...) into the pipeline",
    "functions": "give them as tools",
    "function_call": "give it as tool_choice",
    "logit_bias": "leave it out",
    "audio": "it answers in text",
    "prediction": "leave it out",
    "web_search_options": "give {'type': 'web_search', ...} as one of the tools",
}
"""Parameters of the chat API that this one has not, and what to do."""
_LIMITS = ("max_output_tokens", "max_completion_tokens", "max_tokens")
_READ = frozenset(
    {"n", "tools", "tool_choice", "response_format", "verbosity", "text", "reasoning_effort", "reasoning"}
).union({"logprobs", "include", "stream_options", "instructions", "modalities"}, _LIMITS)
_LOGPROBS = "message.output_text.logprobs"


def body(request: Request) -> dict[str, Any]:
    """The JSON body. Options have their names in the chat API or in this one (`max_output_tokens`,
    `text`, `reasoning`, `store`, `include`, ...); those of neither pass as they are.

    Raises MisuseError for messages that this wire cannot take (see input_of), more than one choice,
    and parameters that it has no form for.

    >>> made = body(Request(({"role": "user", "content": "Hi"},), "m", options={"max_tokens": 9}))
    >>> made["input"], made["max_output_tokens"]
    ([{'role': 'user', 'content': 'Hi'}], 9)
    """
    given = {name: value for name, value in request.options.items() if value is not None}
    _check(given)
    instructions, items = input_of(request.messages, given.get("instructions"))
    made: dict[str, Any] = {"input": items, "stream": request.stream}
    if request.model is not None:
        made["model"] = request.model
    if instructions is not None:
        made["instructions"] = instructions
    limit = next((given[name] for name in _LIMITS if name in given), None)
    if limit is not None:
        made["max_output_tokens"] = limit
    made |= _text(given) | _reasoning(given) | _tools(given) | _told(given, stream=request.stream)
    return made | {name: value for name, value in given.items() if name not in _READ}


def _check(given: Mapping[str, Any]) -> None:
    if given.get("n", 1) != 1:
        msg = f"n={given['n']!r}: openai-responses gives one choice; ask once for each"
        raise MisuseError(msg)
    if given.get("modalities", ["text"]) != ["text"]:
        msg = f"modalities={given['modalities']!r:.60}: openai-responses answers in text"
        raise MisuseError(msg)
    for name in _NO_FORM.keys() & given.keys():
        msg = f"{name}={given[name]!r:.60}: openai-responses has no such parameter; {_NO_FORM[name]}"
        raise MisuseError(msg)


def _text(given: Mapping[str, Any]) -> dict[str, Any]:
    """`response_format` and `verbosity` stand inside `text`; the schema without its wrapping."""
    made: dict[str, Any] = {}
    wanted = as_object(given.get("response_format"))
    if "response_format" in given:
        if wanted.get("type") not in ("text", "json_object", "json_schema"):
            msg = f"response_format={given['response_format']!r:.80}: text, json_object or json_schema"
            raise MisuseError(msg)
        made["format"] = {"type": wanted["type"], **as_object(wanted.get("json_schema"))}
    if "verbosity" in given:
        made["verbosity"] = given["verbosity"]
    made |= as_object(given.get("text"))
    return {"text": made} if made else {}


def _reasoning(given: Mapping[str, Any]) -> dict[str, Any]:
    made = {"effort": given["reasoning_effort"]} if "reasoning_effort" in given else {}
    made |= as_object(given.get("reasoning"))
    return {"reasoning": made} if made else {}


def _tools(given: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "tools" in given:
        made["tools"] = tools_of(given["tools"])
    if "tool_choice" in given:
        made["tool_choice"] = choice_of(given["tool_choice"])
    return made


def _told(given: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
    """What the answer is to tell besides its text."""
    made: dict[str, Any] = {}
    include = list(as_list(given.get("include")))
    if given.get("logprobs") is True and _LOGPROBS not in include:
        include.append(_LOGPROBS)
    if include:
        made["include"] = include
    options = {
        name: value
        for name, value in as_object(given.get("stream_options")).items()
        if name != "include_usage"
    }
    if options and stream:
        made["stream_options"] = options
    return made

"""gemini, asking: a request as the path and the body of `generateContent`.

Law of this file: pure; which of Gemini's own fields each of OpenAI's parameters is (PROTOCOLS 7.2).
Messages stand in gemini_messages.py, tools in gemini_tools.py. What has no form here is refused by name,
and not left out in silence; only what asks for nothing (`n=1`, `parallel_tool_calls=True`) goes without a
word. Gemini's own names pass, in camel case as its API writes them: those of the body into the body, all
others into `generationConfig`, where the API refuses what it does not know.
"""

import re
from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.pipeline.protocols.gemini_messages import messages_of
from tokenweir.pipeline.protocols.gemini_tools import choice_of, tools_of
from tokenweir.pipeline.protocols.options import BESIDE, asked, refuse, schema_of
from tokenweir.pipeline.request import Request

_MODEL = re.compile(r"(?:(?:models|tunedModels)/)?[A-Za-z0-9][A-Za-z0-9._@-]*", re.ASCII)

_BODY = frozenset({"safetySettings", "cachedContent", "toolConfig", "systemInstruction", "labels"})
"""Gemini's own names for what stands in the body itself."""
_RENAMED: Mapping[str, str] = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_READ = frozenset({"response_format", "reasoning_effort", "tools", "tool_choice", "modalities"}) | {
    "generationConfig",
    "store",
}
_FORMLESS = frozenset(
    {"logit_bias", "functions", "function_call", "prediction", "audio", "verbosity", "web_search_options"}
)

_BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}
"""Thinking tokens for an effort, where the model (2.5) has budgets and no levels, as Google maps them."""
_LEVELS: Mapping[str, str] = {level: level for level in ("minimal", "low", "medium", "high")}


def path(request: Request) -> str:
    """Where a request goes, under the address: its model is the one thing that may vary.

    Raises MisuseError for a model that is no name (P25: nothing in a request picks another path).

    >>> path(Request((), "gemini-2.5-flash"))
    '/models/gemini-2.5-flash:streamGenerateContent?alt=sse'
    """
    model = request.model or ""
    if not _MODEL.fullmatch(model):
        msg = f"model={model!r:.80} is no name of a Gemini model: give one like 'gemini-2.5-flash'"
        raise MisuseError(msg)
    name = model if "/" in model else f"models/{model}"
    return f"/{name}:" + ("streamGenerateContent?alt=sse" if request.stream else "generateContent")


def body(request: Request) -> dict[str, Any]:
    """The JSON body. `stream` and the model are in the path.

    Raises MisuseError for messages and tools that Gemini cannot take (see messages_of and tools_of), and
    for a parameter that it has no form of.

    >>> body(Request(({"role": "user", "content": "Hi"},), "m", options={"max_tokens": 9}))
    {'contents': [{'role': 'user', 'parts': [{'text': 'Hi'}]}], 'generationConfig': {'maxOutputTokens': 9}}
    """
    given = asked(request.options)
    refuse(given, _FORMLESS, "gemini", "leave it out")
    if given.get("parallel_tool_calls", True) is not True:
        msg = "parallel_tool_calls=False: gemini decides itself how many tools it calls at a time"
        raise MisuseError(msg)
    made = messages_of(request.messages) | tools_of(given.get("tools")) | choice_of(given.get("tool_choice"))
    made |= {name: given[name] for name in given if name in _BODY}
    config = _config(given) | _format(given) | _thinking(given, request.model or "")
    config |= as_object(given.get("generationConfig"))
    return made | ({"generationConfig": config} if config else {})


def _config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under Gemini's names; unknown ones keep theirs."""
    left_out = _BODY | _READ | _FORMLESS | BESIDE
    config = {_RENAMED.get(name, name): value for name, value in given.items() if name not in left_out}
    if isinstance(config.get("stopSequences"), str):
        config["stopSequences"] = [config["stopSequences"]]
    if config.get("candidateCount") == 1:
        del config["candidateCount"]
    if "modalities" in given:
        config["responseModalities"] = [as_text(name).upper() for name in as_list(given["modalities"])]
    return config


def _format(given: Mapping[str, Any]) -> dict[str, Any]:
    schema = schema_of(given, "gemini")
    if schema is None:
        return {}
    return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if schema else {})}


def _thinking(given: Mapping[str, Any], model: str) -> dict[str, Any]:
    """An effort as a budget for models of the 2.5 series and as a level for later ones; the thoughts
    are asked for with it, since Gemini does not send them unasked."""
    if "reasoning_effort" not in given:
        return {}
    effort = as_text(given["reasoning_effort"])
    if effort == "none":
        return {"thinkingConfig": {"thinkingBudget": 0}}
    if effort not in _BUDGETS:
        msg = f"reasoning_effort={given['reasoning_effort']!r:.60}: gemini has none, {', '.join(_BUDGETS)}"
        raise MisuseError(msg)
    if "gemini-2" in model:
        return {"thinkingConfig": {"thinkingBudget": _BUDGETS[effort], "includeThoughts": True}}
    return {"thinkingConfig": {"thinkingLevel": _LEVELS.get(effort, "high"), "includeThoughts": True}}

"""gemini, asking: tools and the choice among them.

Law of this file: pure; OpenAI's form in, `tools` and `toolConfig` out. A tool in Gemini's own form
(`{"googleSearch": {}}`) passes as it is. Gemini has no strict mode, so `strict` says nothing here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_object, as_text

_MODES: Mapping[str, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def tools_of(tools: object) -> dict[str, Any]:
    """The `tools` of a body; nothing where there are none.

    Raises MisuseError for what is no list of tools, for a type that Gemini does not have, and for a
    function without a name.

    >>> tools_of([{"type": "function", "function": {"name": "look"}}, {"googleSearch": {}}])["tools"]
    [{'functionDeclarations': [{'name': 'look'}]}, {'googleSearch': {}}]
    """
    if not tools:
        return {}
    if not isinstance(tools, (list, tuple)):
        msg = f"tools={tools!r:.80}: a list of {{'type': 'function', 'function': {{...}}}}"
        raise MisuseError(msg)
    functions: list[dict[str, Any]] = []
    own: list[Any] = []
    for at, tool in enumerate(cast("Sequence[object]", tools)):
        fields = as_object(tool)
        if "type" not in fields and fields:
            own.append(fields)
        else:
            functions.append(_function(fields, f"tools[{at}]"))
    return {"tools": ([{"functionDeclarations": functions}] if functions else []) + own}


def _function(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    function = as_object(tool.get("function"))
    name = as_text(function.get("name"))
    if tool.get("type") != "function" or not name:
        msg = f"{where} is {dict(tool)!r:.80}: gemini takes tools of type function, with a name, and its own"
        raise MisuseError(msg)
    made: dict[str, Any] = {"name": name}
    if function.get("description"):
        made["description"] = function["description"]
    if function.get("parameters"):
        made["parametersJsonSchema"] = function["parameters"]
    return made


def choice_of(choice: object) -> dict[str, Any]:
    """The `toolConfig` of a body; nothing where no choice was made.

    Raises MisuseError for a choice that Gemini does not have.

    >>> choice_of("required")
    {'toolConfig': {'functionCallingConfig': {'mode': 'ANY'}}}
    """
    if choice is None:
        return {}
    name = as_text(as_object(as_object(choice).get("function")).get("name"))
    if isinstance(choice, str) and choice in _MODES:
        config: dict[str, Any] = {"mode": _MODES[choice]}
    elif name:
        config = {"mode": "ANY", "allowedFunctionNames": [name]}
    else:
        msg = f"tool_choice={choice!r:.80}: gemini has auto, none, required, and one function by its name"
        raise MisuseError(msg)
    return {"toolConfig": {"functionCallingConfig": config}}

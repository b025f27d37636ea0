"""openai-responses, asking: tools, and which of them may be called.

Law of this file: pure; the chat API wraps a tool's fields in an object of its own (`function`,
`custom`), and this one does not. A tool in this API's own form passes as it is.
"""

from collections.abc import Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_object

_NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}}


def tools_of(tools: object) -> list[dict[str, Any]]:
    """The tools, flat. A function is not `strict` unless it says so, as in the chat API: here the
    default is the other one.

    Raises MisuseError for what is no list of tools.

    >>> tools_of([{"type": "function", "function": {"name": "add", "parameters": {}}}])
    [{'type': 'function', 'name': 'add', 'parameters': {}, 'strict': False}]
    """
    if not isinstance(tools, (list, tuple)):
        msg = f"tools={tools!r:.80}: a list of tools"
        raise MisuseError(msg)
    return [_tool(tool, f"tools[{at}]") for at, tool in enumerate(tools)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - callers are not all typed


def _tool(tool: object, where: str) -> dict[str, Any]:
    fields = as_object(tool)
    kind = fields.get("type")
    if not isinstance(kind, str):
        msg = f"{where} is {tool!r:.80}: a tool is {{'type': 'function', 'function': {{'name': ...}}}}"
        raise MisuseError(msg)
    inner = as_object(fields.get(kind))
    if kind == "function" and inner:
        made = {"type": kind, **inner}
        made.setdefault("parameters", _NOTHING)
        made.setdefault("strict", False)
        return made
    if kind == "custom" and inner:
        return {"type": kind, **inner, **_format(inner)}
    return dict(fields)


def _format(custom: Mapping[str, Any]) -> dict[str, Any]:
    """A grammar stands in an object of its own in the chat API."""
    found = as_object(custom.get("format"))
    grammar = as_object(found.get("grammar"))
    return {"format": {"type": "grammar", **grammar}} if grammar else {}


def choice_of(choice: object) -> object:
    """The choice, flat; a word passes as it is.

    >>> choice_of({"type": "function", "function": {"name": "add"}})
    {'type': 'function', 'name': 'add'}
    """
    fields = as_object(choice)
    kind = fields.get("type")
    inner = as_object(fields.get(kind) if isinstance(kind, str) else None)
    if not inner:
        return choice
    made: dict[str, Any] = {"type": kind, **inner}
    if isinstance(made.get("tools"), list):
        made["tools"] = [choice_of(tool) for tool in made["tools"]]
    return made

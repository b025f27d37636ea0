"""lmstudio-native, asking: a request as LM Studio's websocket takes it.

Law of this file: pure; the creation parameters of a prediction and of a load, and which of LM Studio's
fields each of OpenAI's parameters is (PROTOCOLS 3.5). What has no field there is refused by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_list
from tokenweir.pipeline.protocols.messages import (
    arguments_of,
    calls_of,
    text_of,
)
from tokenweir.pipeline.protocols.options import BESIDE, asked, refuse_choices, schema_of
from tokenweir.pipeline.request import Message, Request

PATH = "/llm"
"""The namespace of language models."""

TTL = 3600
"""Seconds for which a model that a request loads stays loaded unused, where `ttl` says nothing else: what
the vendor's own client asks for, and LM Studio's own default."""

_WHO = "LM Studio's native protocol"
_INSTEAD = "connect('lmstudio', ...) asks its OpenAI face, which may have one"
_ROLES: Mapping[str, str] = {"developer": "system", "function": "tool"}


def _plain(value: object) -> object:
    return value


def _checked(value: object) -> object:
    return {"checked": True, "value": value}


def _limit(value: object) -> object:
    """-1 is no limit, as on the OpenAI face."""
    return {"checked": False} if value == -1 else _checked(value)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_FIELDS: Mapping[str, tuple[str, Callable[[object], object]]] = {
    "max_tokens": ("maxPredictedTokens", _limit),
    "max_completion_tokens": ("maxPredictedTokens", _limit),
    "temperature": ("temperature", _plain),
    "top_p": ("topPSampling", _checked),
    "top_k": ("topKSampling", _plain),
    "min_p": ("minPSampling", _checked),
    "repeat_penalty": ("repeatPenalty", _checked),
    "repetition_penalty": ("repeatPenalty", _checked),
    "stop": ("stopStrings", _listed),
    "draft_model": ("speculativeDecoding.draftModel", _plain),
    "context_overflow_policy": ("contextOverflowPolicy", _plain),
    "cpu_threads": ("llama.cpuThreads", _plain),
}
_READ = frozenset({"n", "tools", "tool_choice", "response_format", "ttl", "context_length"}) | BESIDE
NAMES = frozenset(_FIELDS) | _READ
"""The options that this protocol has."""


def prediction(request: Request) -> dict[str, Any]:
    """The creation parameter of `predict`, but for the model, which may have to be loaded first.

    Raises MisuseError for messages and options that have no form there.

    >>> prediction(Request(({"role": "user", "content": "Hi"},), options={"top_p": 0.9}))["history"]
    {'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'Hi'}]}]}
    """
    return {
        "history": {
            "messages": [_message(one, f"messages[{at}]") for at, one in enumerate(request.messages)]
        },
        "predictionConfigStack": _stack("llm.prediction", _config(asked(request.options))),
    }


def load(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The creation parameter of `getOrLoad`: what a prediction needs to be loaded, and how long it stays."""
    config = {"contextLength": options["context_length"]} if options.get("context_length") else {}
    ttl = options.get("ttl")
    return {
        "identifier": model,
        "loadTtlMs": int((TTL if ttl is None else ttl) * 1000),
        "loadConfigStack": _stack("llm.load", config),
    }


def _stack(prefix: str, config: Mapping[str, object]) -> dict[str, Any]:
    fields = [{"key": f"{prefix}.{key}", "value": value} for key, value in config.items()]
    return {"layers": [{"layerName": "apiOverride", "config": {"fields": fields}}]}


def _config(given: Mapping[str, Any]) -> dict[str, object]:
    refuse_choices(given, _WHO)
    unknown = sorted(given.keys() - NAMES)
    if unknown:
        msg = f"{unknown[0]}={given[unknown[0]]!r:.60}: {_WHO} has no form for it: {_INSTEAD}"
        raise MisuseError(msg)
    config = {key: write(given[name]) for name, (key, write) in _FIELDS.items() if name in given}
    schema = schema_of(given, _WHO)
    if schema is not None:
        config["structured"] = {"type": "json", **({"jsonSchema": schema} if schema else {})}
    tools = _tools(given)
    if tools is not None:
        config["tools"] = tools
    return config


def _tools(given: Mapping[str, Any]) -> dict[str, Any] | None:
    choice = given.get("tool_choice", "auto")
    tools = as_list(given.get("tools"))
    if not tools or choice == "none":
        return None
    if choice not in ("auto", "required"):
        msg = f"tool_choice={choice!r:.60}: {_WHO} has 'auto', 'none' and 'required'"
        raise MisuseError(msg)
    return {"type": "toolArray", "tools": tools, **({"force": True} if choice == "required" else {})}


def _message(message: Message, where: str) -> dict[str, Any]:
    role = _ROLES.get(message["role"], message["role"])
    text = text_of(message, where)
    if role == "tool":
        call = message.get("tool_call_id")
        result = {"type": "toolCallResult", "content": text, **({"toolCallId": call} if call else {})}
        return {"role": role, "content": [result]}
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text or role != "assistant" else []
    return {"role": role, "content": content + _calls(message, where)}


def _calls(message: Message, where: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "toolCallRequest",
            "toolCallRequest": {
                "id": call.id,
                "type": "function",
                "name": call.name,
                "arguments": arguments_of(call, f"{where}.tool_calls[{at}]"),
            },
        }
        for at, call in enumerate(calls_of(message))
    ]

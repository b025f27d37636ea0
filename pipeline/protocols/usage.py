"""Token figures as backends spell them, merged field by field (the last non-null one wins)."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from tokenweir.pipeline.events import Usage


def read_usage(found: Mapping[str, Any], before: Usage | None) -> Usage | None:
    """The merged usage, or None where `found` changes nothing.

    Knows the names of OpenAI chat (`prompt_tokens`, ...) and Responses (`input_tokens`, ...), DeepSeek's
    `prompt_cache_hit_tokens`, and Anthropic's `cache_read_input_tokens` and `thinking_tokens`. A figure
    that is no whole number, or negative, is ignored.
    """
    inside = _object(found.get("prompt_tokens_details")) or _object(found.get("input_tokens_details"))
    outside = _object(found.get("completion_tokens_details")) or _object(found.get("output_tokens_details"))
    figures: dict[str, int | None] = {
        "input": _count(found, "prompt_tokens", "input_tokens"),
        "output": _count(found, "completion_tokens", "output_tokens"),
        "total": _count(found, "total_tokens"),
        "reasoning": _count(outside, "reasoning_tokens", "thinking_tokens"),
        "cached": _first(
            _count(inside, "cached_tokens"),
            _count(found, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"),
        ),
    }
    known = {name: value for name, value in figures.items() if value is not None}
    merged = msgspec.structs.replace(before or Usage(), **known)
    return None if not known or merged == before else merged


_FIGURES = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"})
_CACHED = frozenset({"cached_tokens", "prompt_cache_hit_tokens"})
_DETAILS: Mapping[str, frozenset[str]] = {
    "prompt_tokens_details": _CACHED,
    "input_tokens_details": _CACHED,
    "completion_tokens_details": frozenset({"reasoning_tokens"}),
    "output_tokens_details": frozenset({"reasoning_tokens"}),
}


def unread_usage(found: Mapping[str, Any]) -> dict[str, Any]:
    """What OpenAI's form of usage says beside the figures that `read_usage` knows (costs, times, tokens of
    audio), without what is zero, null, false or empty.

    >>> unread_usage({"prompt_tokens": 3, "cost": 0.5, "prompt_tokens_details": {"audio_tokens": 0}})
    {'cost': 0.5}
    """
    left = {name: value for name, value in found.items() if name not in _FIGURES | _CACHED}
    for name in left.keys() & _DETAILS.keys():
        if isinstance(left[name], dict):
            left[name] = {
                key: value for key, value in left[name].items() if key not in _DETAILS[name] and value
            }
    return {name: value for name, value in left.items() if _says(value)}


def _says(value: object) -> bool:
    inner = _object(value)
    return any(map(_says, inner.values())) if inner else bool(value)


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _count(fields: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one

"""What is known of a request's parameters: their types and bounds, and which backends take no others.

Law of this file: two tables, and the one check of both, before anything is sent. Local servers and those
that imitate an API take parameters of their own (`mirostat_mode`, `cache_prompt`, `ttl`), and ignore what
they do not know: they get everything. A hosted API refuses a request with a parameter that it does not
know, so there it is refused here, by name. What has no form on a wire is refused by the protocol's body.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from math import inf
from typing import Any, NamedTuple

from tokenweir.pipeline.errors import MisuseError


class Known(NamedTuple):
    """What a parameter is: of one of `types` and, where it is a number, from `low` to `high`."""

    types: tuple[type, ...]
    called: str
    low: float = -inf
    high: float = inf


_FLAG, _TEXT = Known((bool,), "true or false"), Known((str,), "text")
_LIST, _OBJECT = Known((list, tuple), "a list"), Known((Mapping,), "a mapping")


def _number(low: float = -inf, high: float = inf) -> Known:
    return Known((int, float), "a number", low, high)


def _count(low: float = -inf, high: float = inf) -> Known:
    return Known((int,), "a whole number", low, high)


PARAMETERS: Mapping[str, Known] = {
    "cache_prompt": _FLAG,
    "context_length": _count(1),
    "draft_model": _TEXT,
    "frequency_penalty": _number(-2, 2),
    "logit_bias": _OBJECT,
    "max_completion_tokens": _count(-1),
    "max_tokens": _count(-1),
    "min_p": _number(0, 1),
    "mirostat": _count(0, 2),
    "mirostat_eta": _number(0),
    "mirostat_mode": _count(0, 2),
    "mirostat_tau": _number(0),
    "n": _count(1),
    "num_ctx": _count(1),
    "presence_penalty": _number(-2, 2),
    "repeat_penalty": _number(0),
    "repetition_penalty": _number(0),
    "response_format": _OBJECT,
    "return_progress": _FLAG,
    "seed": _count(),
    "stop": Known((str, list, tuple), "text, or a list of texts"),
    "store": _FLAG,
    "temperature": _number(0),
    "tools": _LIST,
    "top_k": _count(-1),
    "top_logprobs": _count(0),
    "top_p": _number(0, 1),
    "ttl": _number(0),
}
"""Parameters that mean the same to every backend that has them, with the widest bounds of any."""

_CHAT = (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens"
    " metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key"
    " prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed"
    " service_tier stop store stream_options temperature tool_choice tools top_logprobs top_p user verbosity"
    " web_search_options"
)
_RESPONSES = (
    "access_programs background background_options context_management conversation image include"
    " instructions max_output_tokens max_tool_calls previous_response_id prompt reasoning text truncation"
)
ALONE: Mapping[str, frozenset[str]] = {
    "openai": frozenset(_CHAT.split()),
    "openai-responses": frozenset([*_CHAT.split(), *_RESPONSES.split()]),
}
"""Provider -> the parameters that its hosted API takes, those of chat that are translated too. Anthropic's
and Gemini's are no closed lists: betas bring others, and what they do not know they refuse themselves."""

_UNCHECKED = frozenset({"openai-compatible", "replay", "simulator"})
"""Of these nothing is known: what is given is sent."""


def check_parameters(provider: str, options: Mapping[str, Any], *, hosted: bool = False) -> None:
    """Raise MisuseError for a known parameter of a wrong type or out of its bounds, and for one that the
    hosted API of `provider` does not have. None is as good as none.

    >>> check_parameters("lmstudio", {"mirostat_mode": 2, "news": 1})
    >>> check_parameters("openai", {"top_k": 5}, hosted=True)
    Traceback (most recent call last):
    tokenweir.pipeline.errors.MisuseError: top_k=5: openai has no such parameter; did you mean 'top_p'?
    """
    if provider in _UNCHECKED:
        return
    allowed = ALONE.get(provider) if hosted else None
    for name, value in options.items():
        if value is None:
            continue
        if allowed is not None and name not in allowed:
            near = get_close_matches(name, allowed, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ": leave it out, or ask by 'openai-compatible'"
            msg = f"{name}={value!r:.60}: {provider} has no such parameter{hint}"
            raise MisuseError(msg)
        if name in PARAMETERS:
            _check(name, value, PARAMETERS[name])


def _check(name: str, value: object, known: Known) -> None:
    right = isinstance(value, known.types) and (not isinstance(value, bool) or bool in known.types)
    if right and isinstance(value, (int, float)) and not known.low <= value <= known.high:
        right = False
    if not right:
        bounds = _bounds(known)
        msg = f"{name}={value!r:.60}: {name} is {known.called}{bounds}"
        raise MisuseError(msg)


def _bounds(known: Known) -> str:
    if known.high < inf:
        return f" from {known.low:g} to {known.high:g}"
    return f" of at least {known.low:g}" if known.low > -inf else ""

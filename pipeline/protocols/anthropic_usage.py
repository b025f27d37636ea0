"""anthropic, writing: figures as the Messages API tells them.

Law of this file: pure; whole numbers only, and both of `input_tokens` and `output_tokens` at the start,
since typed clients demand them. A total has no form here: it is the sum of the others.
"""

from typing import Any

from tokenweir.pipeline.events import Usage


def start_usage(usage: Usage) -> dict[str, Any]:
    """The figures of `message_start`, where nothing has been said yet.

    >>> start_usage(Usage(9, 42))
    {'input_tokens': 9, 'output_tokens': 0}
    """
    return {"input_tokens": usage.input or 0, "output_tokens": 0, **_cached(usage)}


def delta_usage(usage: Usage) -> dict[str, Any]:
    """The figures of `message_delta`: all so far, and the input again where it is known.

    >>> delta_usage(Usage(9, 42, reasoning=7))
    {'input_tokens': 9, 'output_tokens': 42, 'output_tokens_details': {'thinking_tokens': 7}}
    """
    made = {} if usage.input is None else {"input_tokens": usage.input}
    made |= {"output_tokens": usage.output or 0} | _cached(usage)
    if usage.reasoning is None:
        return made
    return {**made, "output_tokens_details": {"thinking_tokens": usage.reasoning}}


def _cached(usage: Usage) -> dict[str, int]:
    return {} if usage.cached is None else {"cache_read_input_tokens": usage.cached}

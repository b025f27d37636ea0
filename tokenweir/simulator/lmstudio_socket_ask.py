"""What was asked of LM Studio over its websocket: the parameters of a prediction, a load, a question.

Law of this file: pure; the fields of LM Studio's own protocol (PROTOCOLS 3.5) become those of an `Ask`,
so that one answer serves every face. Every other field is allowed and ignored.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.json_value import as_list, as_object, as_text
from tokenweir.simulator.ask import Ask, Message

_PREDICTION = "llm.prediction."


def model_in(specifier: object) -> str:
    """The model that a specifier names: a query for an identifier, or an instance; "" where it names none.

    >>> model_in({"type": "query", "query": {"identifier": "m"}})
    'm'
    """
    fields = as_object(specifier)
    query = as_object(fields.get("query"))
    return as_text(query.get("identifier")) or as_text(fields.get("instanceReference"))


def read_prediction(parameter: object) -> Ask:
    """The request in the creation parameter of a `predict` channel.

    Raises msgspec.ValidationError for one without messages, and for values of another type.
    """
    fields = as_object(parameter)
    config = _config(fields)
    made: dict[str, Any] = {
        "messages": [
            _message(as_object(one)) for one in as_list(as_object(fields.get("history")).get("messages"))
        ],
        "model": model_in(fields.get("modelSpecifier")) or None,
        "stream": True,
        "max_tokens": _checked(config.get("maxPredictedTokens")),
        "tools": as_list(as_object(config.get("tools")).get("tools")) or None,
    }
    return msgspec.convert(made, Ask)


def _message(message: Mapping[str, Any]) -> Message:
    texts = [as_text(as_object(part).get("text")) for part in as_list(message.get("content"))]
    return Message(as_text(message.get("role")), "".join(texts))


def _config(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of all layers; later layers win."""
    found: dict[str, Any] = {}
    for layer in as_list(as_object(fields.get("predictionConfigStack")).get("layers")):
        for field in as_list(as_object(as_object(layer).get("config")).get("fields")):
            pair = as_object(field)
            found[as_text(pair.get("key")).removeprefix(_PREDICTION)] = pair.get("value")
    return found


def _checked(value: object) -> object:
    """The value of a switchable field; None where it is switched off."""
    fields = as_object(value)
    return fields.get("value") if fields.get("checked") is True else None

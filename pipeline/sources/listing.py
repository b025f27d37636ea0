"""The models of a server in OpenAI's form: `GET /v1/models`.

Law of this file: the list that nearly every server has, read with the fields that some add to it. It tells
what can be asked for, and hardly ever what is loaded: those that know more have files of their own.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from tokenweir.pipeline.json_value import as_count, as_list, as_object, as_text
from tokenweir.pipeline.models import Model, ModelState
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.sources.asking import ask
from tokenweir.pipeline.sources.http import HTTPSource

MODELS_PATH = "/models"

_CONTEXTS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""What servers call the longest context of a model; vLLM's name is the first (PROTOCOLS 5.3)."""


class ListingSource(HTTPSource):
    """A server with `/v1/models`. `listed_state` is what a place in its list says of a model."""

    listed_state: ClassVar[ModelState] = "unknown"
    models_path: ClassVar[str] = MODELS_PATH
    """Where the list is, all of it in one answer."""

    async def models(self) -> list[Model]:
        return [
            self.listed(entry)
            for entry in entries(await ask(self, self.models_path), "data")
            if as_text(entry.get("id"))
        ]

    def listed(self, entry: Mapping[str, Any]) -> Model:
        """The model that an entry of the list tells of."""
        return Model(
            id=as_text(entry.get("id")),
            state="loaded" if self.hosted else self.listed_state,
            context=first_count(entry, *_CONTEXTS),
            native=as_raw(entry),
        )


def entries(answer: object, key: str) -> list[Mapping[str, Any]]:
    """The objects of the list that stands under `key`; mlx_lm.server's list may be an empty body, and
    then has none (PROTOCOLS 11.1).

    >>> entries({"data": [{"id": "m"}, None]}, "data")
    [{'id': 'm'}]
    """
    return [entry for entry in map(as_object, as_list(as_object(answer).get(key))) if entry]


def first_count(entry: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that holds a count; None where none does."""
    return next((count for name in names if (count := as_count(entry.get(name))) is not None), None)

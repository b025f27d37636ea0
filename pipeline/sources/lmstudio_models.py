"""The models of LM Studio: listed, loaded and unloaded through its REST API (PROTOCOLS 3.2, 3.4).

Law of this file: REST v1 where it is (LM Studio 0.4 and later), else the older lists, which know less.
Embedding models are left out: they answer no prompt.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from math import ceil
from typing import Any

import msgspec

from tokenweir.pipeline.errors import CannotError, StreamError
from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.pipeline.models import Model, choose_model
from tokenweir.pipeline.protocols.payload import as_raw
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.asking import ask, question
from tokenweir.pipeline.sources.listing import ListingSource, entries, first_count
from tokenweir.pipeline.sources.loading import LOAD_DEADLINE, LoadPhases, check_options

V1_PATH, V0_PATH = "/api/v1/models", "/api/v0/models"
LOAD_OPTIONS = (
    "context_length",
    "eval_batch_size",
    "flash_attention",
    "num_experts",
    "offload_kv_cache_to_gpu",
)
_NO_ANSWER = frozenset({"connect", "timeout", "auth", "rate_limited", "shutting_down"})
"""Failures that another address would meet too."""


class LMStudioModels(ListingSource):
    """LM Studio, as far as its models go."""

    def is_same_model(self, asked: str | None, answered: str | None) -> bool:
        """LM Studio itself takes a part of a name for the model that is loaded."""
        part = bool(asked and answered) and (asked or "").casefold() in (answered or "").casefold()
        return part or super().is_same_model(asked, answered)

    def warming(self, model: str | None, seconds: float) -> Request:
        """REST v1 knows no `ttl`; a model that is loaded through it stays for an hour."""
        request = super().warming(model, seconds)
        if self.protocol == "lmstudio-v1":
            return request
        return msgspec.structs.replace(request, options={**request.options, "ttl": ceil(seconds)})

    async def models(self) -> list[Model]:
        told = await self._told(V1_PATH, "models")
        if told is not None:
            return [model for entry in told if _answers(entry) for model in _v1(entry)]
        told = await self._told(V0_PATH, "data")
        if told is not None:
            return [_v0(entry) for entry in told if _answers(entry)]
        return await super().models()

    async def _told(self, path: str, key: str) -> list[Mapping[str, Any]] | None:
        """The entries of a list; None where this LM Studio is older than the list: it then refuses, or
        says with status 200 that it knows no such endpoint."""
        try:
            answer = await ask(self, path, beside=True)
        except StreamError as refused:
            if refused.failure.kind in _NO_ANSWER:
                raise
            return None
        return entries(answer, key) if key in as_object(answer) else None

    async def load(self, name: str, **options: Any) -> AsyncGenerator[Phase]:
        check_options(self.provider, options, LOAD_OPTIONS)
        model = choose_model(name, await self._managed("load"))
        if model.state == "loaded" and not options:
            return
        path, body = f"{V1_PATH}/load", {"model": model.id, **options}
        async with question(self, path, body, beside=True, deadline=LOAD_DEADLINE) as asked:
            async for phase in LoadPhases(asked):
                yield phase
            await asked.payload()

    async def unload(self, name: str) -> None:
        models = await self._managed("unload")
        chosen = choose_model(name, models)
        instances = [model.instance for model in models if model.id == chosen.id and model.instance]
        for instance in [name] if name in instances and name != chosen.id else instances:
            await ask(self, f"{V1_PATH}/unload", {"instance_id": instance}, beside=True)

    async def _managed(self, what: str) -> Sequence[Model]:
        told = await self._told(V1_PATH, "models")
        if told is None:
            msg = (
                f"{self.provider}: this backend cannot {what} a model: LM Studio before 0.4 loads one at the "
                "first request for it, and takes no other orders"
            )
            raise CannotError(msg)
        return [model for entry in told if _answers(entry) for model in _v1(entry)]


def _answers(entry: Mapping[str, Any]) -> bool:
    return not as_text(entry.get("type")).startswith("embedding")


def _v1(entry: Mapping[str, Any]) -> list[Model]:
    """One model of REST v1: an entry for each loaded instance, or one that says that it is not loaded."""
    key, size = as_text(entry.get("key")), first_count(entry, "size_bytes")
    longest, native = first_count(entry, "max_context_length"), as_raw(entry)
    instances = entries(entry, "loaded_instances")
    if not instances:
        return [Model(key, "not_loaded", size, longest, native=native)]
    return [
        Model(
            key,
            "loaded",
            size,
            first_count(as_object(instance.get("config")), "context_length") or longest,
            as_text(instance.get("id")) or None,
            native=native,
        )
        for instance in instances
    ]


def _v0(entry: Mapping[str, Any]) -> Model:
    loaded = entry.get("state") == "loaded"
    context = first_count(entry, "loaded_context_length", "max_context_length")
    return Model(
        as_text(entry.get("id")), "loaded" if loaded else "not_loaded", context=context, native=as_raw(entry)
    )

"""Questions over LM Studio's websocket, and which model is meant (PROTOCOLS 3.5).

Law of this file: pure; a namespace, a name and a parameter in, a result out, or why there is none.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tokenweir.pipeline.json_value import as_object, as_text
from tokenweir.simulator.ask import Ask, Message
from tokenweir.simulator.lmstudio_socket_ask import model_in
from tokenweir.simulator.lmstudio_socket_models import VERSION, downloaded, instance, loaded
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import Refusal
from tokenweir.simulator.reply import served
from tokenweir.simulator.text import split

Fields = Mapping[str, Any]


class Refused(Exception):  # noqa: N818 - it carries what is answered
    """`error` is the error object that the client is told."""

    def __init__(self, title: str, code: str | None = None) -> None:
        super().__init__(title)
        shown = {} if code is None else {"displayData": {"code": code}}
        self.error = {"title": title, "rootTitle": title, **shown}


def model_of(ask: Ask, quirks: Quirks) -> str:
    """The model that answers. Raises Refused where none does."""
    model = served(ask, quirks)
    if isinstance(model, Refusal):
        told = as_object(as_object(msgspec.json.decode(model.body)).get("error"))
        missing = told.get("code") == "model_not_found"
        raise Refused(as_text(told.get("message")), "generic.noModelMatchingQuery" if missing else None)
    return model


def model_named(name: str, quirks: Quirks) -> str:
    """The model of that name, as an answer's would be. Raises Refused where there is none."""
    return model_of(Ask([Message("user")], name or None, stream=True), quirks)


def result_of(called: tuple[str, str], parameter: Fields, quirks: Quirks, loads: Loads, now: float) -> object:
    """What a call answers at `now` (seconds of the clock of `loads`). `called` is namespace and name.

    Raises Refused for a call that the simulator does not have, and for a model that is not loaded.
    """
    namespace, name = called
    if called == ("system", "listDownloadedModels"):
        return [downloaded(model) for model in quirks.models]
    if called in (("system", "version"), ("system", "info")):
        return VERSION
    if name == "listLoaded":
        return loaded(quirks, loads, now) if namespace == "llm" else []
    answer = _OF_MODELS.get(name) if namespace == "llm" else None
    if answer is None:
        raise Refused(f"The simulator has no call {name!r} in {namespace!r}")
    asked = as_text(parameter.get("identifier")) or model_in(parameter.get("specifier"))
    model = model_named(asked, quirks)
    if not loads.is_loaded(model, now):
        raise Refused(f"No model found that fits the query: {asked}", "generic.noModelMatchingQuery")
    if name == "unloadModel":
        loads.unload(model)
    return answer(model, parameter)


def _tokens(parameter: Fields) -> list[int]:
    return list(range(len(split(as_text(parameter.get("inputString"))))))


_OF_MODELS: Mapping[str, Callable[[str, Fields], object]] = {
    "getModelInfo": lambda model, _parameter: instance(model),
    "getLoadConfig": lambda _model, _parameter: {"fields": []},
    "unloadModel": lambda _model, _parameter: None,
    "getInstanceProcessingState": lambda _model, _parameter: {"status": "idle", "queued": 0},
    "tokenize": lambda _model, asked: {"tokens": _tokens(asked)},
    "countTokens": lambda _model, asked: {"tokenCount": len(_tokens(asked))},
}
"""Questions about one loaded model."""

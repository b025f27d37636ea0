"""Questions over LM Studio's websocket."""

from typing import Any

import pytest

from tokenweir.simulator.ask import Ask, Message
from tokenweir.simulator.lmstudio_socket_calls import Refused, model_named, model_of, result_of
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks

QUIRKS = Quirks(provider="lmstudio", models=("m", "other"), load_seconds=5.0)


def asked(namespace: str, name: str, loads: Loads, now: float = 9.0, **parameter: Any) -> Any:
    """What is answered at a time."""
    return result_of((namespace, name), parameter, QUIRKS, loads, now)


def test_what_is_loaded() -> None:
    """Nothing before the load has ended."""
    loads = Loads(5.0)
    loads.begin("m", 0.0)

    assert [one["modelKey"] for one in asked("system", "listDownloadedModels", loads)] == ["m", "other"]
    assert asked("llm", "listLoaded", loads, 4.0) == []
    assert [one["identifier"] for one in asked("llm", "listLoaded", loads, 5.0)] == ["m"]
    assert asked("embedding", "listLoaded", loads) == []
    assert asked("system", "version", loads) == {"version": "0.0.0", "build": 0}


def test_one_loaded_model() -> None:
    """Described, counted with, unloaded."""
    loads = Loads(0.0)
    loads.begin("m", 0.0)
    query: Any = {"specifier": {"type": "query", "query": {"identifier": "m"}}}

    assert asked("llm", "getModelInfo", loads, **query)["contextLength"] == 4096
    assert asked("llm", "getLoadConfig", loads, **query) == {"fields": []}
    assert asked("llm", "getInstanceProcessingState", loads, **query)["status"] == "idle"
    assert asked("llm", "countTokens", loads, **query, inputString="a b") == {"tokenCount": 2}
    assert asked("llm", "tokenize", loads, **query, inputString="a b") == {"tokens": [0, 1]}
    assert asked("llm", "unloadModel", loads, identifier="m") is None
    with pytest.raises(Refused, match="No model found that fits the query: m"):
        asked("llm", "unloadModel", loads, identifier="m")


def test_what_is_refused() -> None:
    """A call that nobody knows, and a model that is not there; a fault in place of every answer."""
    with pytest.raises(Refused, match="no call 'sing'"):
        asked("llm", "sing", Loads(0.0))
    with pytest.raises(Refused, match='Model "nobody" not found') as refused:
        model_named("nobody", QUIRKS)
    broken = Quirks(provider="lmstudio", fault="status-500")
    with pytest.raises(Refused, match="crashed") as crashed:
        model_of(Ask([Message("user")], "m"), broken)

    assert refused.value.error["displayData"] == {"code": "generic.noModelMatchingQuery"}
    assert "displayData" not in crashed.value.error

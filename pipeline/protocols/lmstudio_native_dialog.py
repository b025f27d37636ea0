"""lmstudio-native, conversing: what the client says when, over LM Studio's websocket.

Law of this file: pure; messages heard in, messages to say out (PROTOCOLS 3.5): first who asks, then the
model (loaded where it must be, or the only loaded one), then the prediction. What the messages mean to
the reader stands in lmstudio_native_decode.py.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tokenweir.pipeline.json_value import as_list, as_object, as_text

_LOADED = frozenset({"alreadyLoaded", "loadSuccess", "success"})
_LOAD, _PREDICT = 1, 2
"""The numbers of the channels, and of the one call."""


class NativeDialog:
    """One prediction. `login` is who asks (the pair of the first frame). `load` is the creation parameter
    of `getOrLoad`; None asks which models are loaded, and `choose` says which of their identifiers is
    meant. `predict` is the creation parameter of the prediction, but for its model.

    `choose` may raise a StreamError, which ends the stream.
    """

    def __init__(
        self,
        login: tuple[str, str],
        load: Mapping[str, Any] | None,
        predict: Mapping[str, Any],
        choose: Callable[[Sequence[str]], str],
    ) -> None:
        self._login = login
        self._load = load
        self._predict = predict
        self._choose = choose
        self._hears: Callable[[Mapping[str, Any]], list[Mapping[str, Any]]] | None = self._logged_in
        self._channel: int | None = None

    def begin(self) -> list[str]:
        """What is said before anything is heard."""
        identifier, passkey = self._login
        hello = {"authVersion": 1, "clientIdentifier": identifier, "clientPasskey": passkey}
        return _written([hello])

    def heard(self, message: str) -> list[str]:
        """What is said to a message. Raises what `choose` raises."""
        if self._hears is None:
            return []
        try:
            told = as_object(msgspec.json.decode(message))
        except (msgspec.DecodeError, RecursionError):
            return []
        return _written(self._hears(told))

    def leave(self) -> list[str]:
        """What is said before leaving early: the prediction, or the load, is not wanted any more."""
        if self._channel is None:
            return []
        cancel = {"type": "cancel"}
        return _written([{"type": "channelSend", "channelId": self._channel, "message": cancel}])

    def _logged_in(self, told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if told.get("success") is not True:
            return []
        if self._load is None:
            self._hears = self._listed
            return [{"type": "rpcCall", "endpoint": "listLoaded", "callId": _LOAD}]
        self._hears, self._channel = self._loading, _LOAD
        return [_create("getOrLoad", _LOAD, self._load)]

    def _listed(self, told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if told.get("type") != "rpcResult":
            return []
        loaded = [as_text(as_object(one).get("identifier")) for one in as_list(told.get("result"))]
        return self._ask(self._choose(loaded))

    def _loading(self, told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        message = as_object(told.get("message"))
        if told.get("channelId") != _LOAD or message.get("type") not in _LOADED:
            return []
        return self._ask(as_text(as_object(message.get("info")).get("identifier")))

    def _ask(self, identifier: str) -> list[Mapping[str, Any]]:
        self._hears, self._channel = None, _PREDICT
        model = {"type": "query", "query": {"identifier": identifier}}
        return [_create("predict", _PREDICT, {"modelSpecifier": model, **self._predict})]


def _create(endpoint: str, channel: int, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "type": "channelCreate",
        "endpoint": endpoint,
        "channelId": channel,
        "creationParameter": parameter,
    }


def _written(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [msgspec.json.encode(message).decode() for message in messages]

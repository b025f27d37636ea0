"""lmstudio-native: LM Studio's own protocol over a websocket, by default at http://localhost:1234.

It tells what the OpenAI face cannot: how far the load of a model and the reading of a prompt have come,
which text is reasoning, and why an answer ended; and it loads a model that is not loaded. The protocol is
spoken here, and not through the vendor's SDK: docs/decisions/2026-11-21-lmstudio-faces.md says why. Its
fragments are deltas; the mode is `auto` as for every face of LM Studio, which costs a delta stream nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import msgspec

from tokenweir.pipeline.connection import Connection, HTTPRequest
from tokenweir.pipeline.errors import MisuseError, error_for
from tokenweir.pipeline.events import End, Failure
from tokenweir.pipeline.models import LOADED_MODEL, Model, choose_model
from tokenweir.pipeline.protocols import lmstudio_native
from tokenweir.pipeline.protocols.lmstudio_native_dialog import NativeDialog
from tokenweir.pipeline.request import Request
from tokenweir.pipeline.sources.credentials import secrets_of
from tokenweir.pipeline.sources.lmstudio_models import LMStudioModels
from tokenweir.stages.cumulative_detect import Mode

_TOKEN = re.compile(r"sk-lm-([A-Za-z0-9]{8}):([A-Za-z0-9]{20})")


class LMStudioNative(LMStudioModels):
    """LM Studio, natively. A named `model` is loaded where it is not; without one, the only loaded model
    answers. `api_key` is an API token of LM Studio (`sk-lm-...`), where it asks for one.

    Parameters have their names in OpenAI's API, and `top_k`, `min_p`, `repeat_penalty`, `draft_model`,
    `ttl` (seconds for which a model that is loaded for this stays loaded unused) and `context_length`
    (of such a load). Images are not sent here. An answer is always streamed.

    Raises MisuseError for a key that is no token of LM Studio, besides what every source over HTTP refuses.
    """

    provider: ClassVar[str] = "lmstudio-native"
    protocol: str = "lmstudio-native"
    path: str = lmstudio_native.PATH
    default_base_url: ClassVar[str] = "http://localhost:1234/v1"
    default_mode: ClassVar[Mode] = "auto"
    default_model: ClassVar[str | None] = LOADED_MODEL
    key_variable: ClassVar[str | None] = "LM_API_TOKEN"

    def __init__(self, base_url: str | None = None, **options: Any) -> None:
        super().__init__(base_url, **options)
        self._login = _login(self._key)
        self._secrets = secrets_of(self._key or "", *self._login, *self._headers.values())

    def body(self, request: Request) -> dict[str, Any]:
        return lmstudio_native.prediction(request)

    def open(self, request: Request) -> Connection:
        predict = self.body(request)
        named = request.model if request.model != LOADED_MODEL else None
        load = None if named is None else lmstudio_native.load(named, request.options)
        dialog = NativeDialog(self._login, load, predict, _only)
        ask = self._handshake(predict)
        converse = getattr(self._transport, "converse", None)
        if converse is None:
            msg = f"{self.provider} needs a transport that can converse over a websocket, as aiohttp's can"
            raise MisuseError(msg)
        connection: Connection = converse(ask, dialog, self.deadlines.connect)
        return connection if self.tap is None else self.tap(ask, connection, self._secrets)

    def _handshake(self, predict: Mapping[str, Any]) -> HTTPRequest:
        """The address of the socket. The key is not in its headers, but in its first message; the body is
        what a recording says that was asked."""
        try:
            body = msgspec.json.encode(predict)
        except (TypeError, UnicodeEncodeError, ValueError) as bad:
            msg = f"the request cannot be written as JSON: {bad}"
            raise MisuseError(msg) from None
        url = self.base_url.removesuffix(self.default_path) + self.path
        return HTTPRequest("GET", url, self._headers, body)


def _login(key: str | None) -> tuple[str, str]:
    """Who asks: the two halves of a token; without one, any pair will do."""
    if key is None:
        return f"tokenweir:{uuid4()}", str(uuid4())
    found = _TOKEN.fullmatch(key)
    if found is None:
        msg = "api_key for lmstudio-native is an API token of LM Studio: sk-lm-, 8 signs, a colon, 20 signs"
        raise MisuseError(msg)
    return found[1], found[2]


def _only(loaded: Sequence[str]) -> str:
    """The only loaded model. Raises RequestError where there is none, or more than one."""
    if not loaded:
        message = (
            "no model is loaded: name one, which is then loaded: connect('lmstudio-native', model='...')"
        )
        raise error_for(End("error", Failure("model_not_found", message)))
    chosen = choose_model(None, [Model(name, "loaded", instance=name) for name in loaded])
    return chosen.instance or chosen.id

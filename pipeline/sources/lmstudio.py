"""lmstudio: LM Studio over HTTP, by default at http://localhost:1234 (PROTOCOLS 3.1, 3.3).

It loads a model at the first request. Its OpenAI face does so in silence; its REST v1 tells how far it is,
and is asked where it can serve the request. Its text is read as `auto`: its documentation says deltas,
reports of resent text exist, and the detector costs a delta stream nothing.
"""

from copy import copy
from typing import Any, ClassVar, get_args
from weakref import WeakSet

from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Event, Failure, Phase
from tokenweir.pipeline.models import LOADED_MODEL
from tokenweir.pipeline.protocols import lmstudio_v1
from tokenweir.pipeline.protocols.lmstudio_decode import LMStudioDecode
from tokenweir.pipeline.protocols.options import asked, refuse
from tokenweir.pipeline.request import Messages, Request
from tokenweir.pipeline.sources.base import BoundSource
from tokenweir.pipeline.sources.lmstudio_faces import (
    REST_ALONE,
    Face,
    for_openai,
    is_for_rest,
    is_too_old,
    rest_body,
)
from tokenweir.pipeline.sources.lmstudio_models import LMStudioModels
from tokenweir.pipeline.sources.progress import model_progress
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_detect import Mode, cumulative_detect
from tokenweir.stages.decode_protocol import decode_frames
from tokenweir.stages.delta_extract import delta_extract

_INSTEAD = "its REST v1 has one, from LM Studio 0.4 on: connect('lmstudio', face='rest', ...)"


class LMStudio(LMStudioModels):
    """LM Studio. `model` defaults to `local-model`: the loaded one answers.

    `face` is which of its faces is asked: "openai", "rest" (its REST v1), or, where it is None, the better
    one for each request: REST v1 for a named model, messages of system and user alone, and no tools and
    no limit of tokens; else the OpenAI face, which an LM Studio before 0.4 has alone. `base_url` is the
    address of the server; that of its OpenAI face (`.../v1`) means that face.

    Raises MisuseError for another face, besides what every source over HTTP refuses.
    """

    provider: ClassVar[str] = "lmstudio"
    default_base_url: ClassVar[str] = "http://localhost:1234/v1"
    default_mode: ClassVar[Mode] = "auto"
    default_model: ClassVar[str | None] = LOADED_MODEL
    key_variable: ClassVar[str | None] = "LM_API_TOKEN"

    def __init__(self, base_url: str | None = None, *, face: Face | None = None, **options: Any) -> None:
        if face not in (None, *get_args(Face)):
            msg = f"face={face!r}: one of {', '.join(get_args(Face))}, or None for the better one"
            raise MisuseError(msg)
        if face is None and base_url is not None and base_url.rstrip("/").endswith(self.default_path):
            face = "openai"
        self.face: Face | None = face
        if face == "rest":
            self.protocol = "lmstudio-v1"
        self._too_old = False
        self._by_rest = WeakSet[Connection]()
        super().__init__(base_url, **options)

    def _stage(self) -> Stage[bytes, Event]:
        if self.face is not None:
            return super()._stage()
        decode = decode_frames(self.protocol) | Stage(
            lambda: LMStudioDecode(self.provider, finish_required=self.finish_required),
            "decode_protocol(lmstudio)",
            takes="wire",
            gives="events",
        )
        return decode if self.mode == "delta" else decode | cumulative_detect(self.mode) | delta_extract()

    def asks_rest(self, request: Request) -> bool:
        """Whether a request goes to REST v1. A recording holds one protocol, and so has one face."""
        if self.face is not None:
            return self.face == "rest"
        stands = not self._too_old and self.tap is None and self.base_url.endswith(self.default_path)
        return stands and is_for_rest(request)

    def open(self, request: Request) -> Connection:
        connection = super().open(request)
        if self.asks_rest(request):
            self._by_rest.add(connection)
        return connection

    def body(self, request: Request) -> dict[str, Any]:
        if self.asks_rest(request):
            return rest_body(request)
        refuse(asked(request.options), REST_ALONE, "LM Studio's OpenAI face", _INSTEAD)
        return super().body(for_openai(request))

    def url_of(self, request: Request) -> str:
        if not self.asks_rest(request):
            return super().url_of(request)
        return self.base_url.removesuffix(self.default_path) + lmstudio_v1.PATH

    def bytes(self, messages: Messages, *, stream: bool = True, **options: Any) -> BoundSource:
        """A chain gathered by hand names its protocol: openai-chat, unless the face says otherwise."""
        source = copy(self)
        source.face = self.face or "openai"
        return BoundSource(source, source.request(messages, stream=stream, **options))

    async def progress(self, request: Request) -> Phase | None:
        """A stream of REST v1 tells by itself; what comes in one piece, and the OpenAI face, do not."""
        return None if request.stream and self.asks_rest(request) else await model_progress(self, request)

    def turns(self, connection: Connection | None, failure: Failure) -> bool:
        """An LM Studio without REST v1 says so: the request is made again, of its OpenAI face."""
        if connection not in self._by_rest or self.face is not None or not is_too_old(failure):
            return False
        self._too_old = True
        return True

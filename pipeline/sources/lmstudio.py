"""lmstudio: LM Studio's OpenAI face, by default at http://localhost:1234 (PROTOCOLS 3.1).

It loads a model at the first request, in silence. Its text is read as `auto`: its documentation says
deltas, reports of resent text exist, and the detector costs a delta stream nothing.
"""

from typing import ClassVar

from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.stages.cumulative_detect import Mode


class LMStudio(HTTPSource):
    """LM Studio. `model` defaults to `local-model`: the loaded one answers."""

    provider: ClassVar[str] = "lmstudio"
    default_base_url: ClassVar[str] = "http://localhost:1234/v1"
    default_mode: ClassVar[Mode] = "auto"
    default_model: ClassVar[str | None] = "local-model"
    key_variable: ClassVar[str | None] = "LM_API_TOKEN"

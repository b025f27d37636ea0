"""The whole answer at once: the body for a request without `stream`.

Law of this file: pure; the same steps as a stream's, gathered as the library gathers them.
"""

from collections.abc import Iterable

import msgspec

from tokenweir.pipeline.protocols.openai_chat_whole import OpenAIChatWhole
from tokenweir.simulator.answer import Step


def completion(steps: Iterable[Step]) -> bytes:
    """The JSON body of an answer whose steps hold deltas only."""
    whole = OpenAIChatWhole()
    whole.feed([step.event for step in steps])
    return msgspec.json.encode(whole.body())

"""`POST /v1/chat/completions` and `POST /v1/completions`: OpenAI's two wires.

Law of this file: which reader, which encoder and which gatherer make an endpoint. Nothing is decided here.
"""

from aiohttp import web

from tokenweir.gateway.answer import answer
from tokenweir.gateway.ask import read_chat, read_completion
from tokenweir.gateway.body import read_json
from tokenweir.gateway.form import Form, Named
from tokenweir.gateway.gateway import SETUP
from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.pipeline.protocols.openai_chat_whole import OpenAIChatWhole
from tokenweir.pipeline.protocols.openai_completions_encode import OpenAICompletionsEncode
from tokenweir.pipeline.protocols.openai_completions_whole import OpenAICompletionsWhole


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """A chat, streamed or whole. Raises Refused."""
    ask = read_chat(await read_json(request), request.headers, request[SETUP].config.limits)
    return await answer(request, ask, CHAT, "chat")


async def completions(request: web.Request) -> web.StreamResponse:
    """One prompt that is completed, streamed or whole. Raises Refused."""
    ask = read_completion(await read_json(request), request.headers, request[SETUP].config.limits)
    return await answer(request, ask, COMPLETION, "completions")


def _chat_encode(named: Named) -> OpenAIChatEncode:
    return OpenAIChatEncode(
        named.id,
        named.model if named.progress == "reasoning" else None,  # it writes before anybody has answered
        named.created,
        include_usage=named.include_usage,
        phases=named.progress,
        reasoning_field=named.reasoning_field,
    )


def _chat_whole(named: Named) -> OpenAIChatWhole:
    return OpenAIChatWhole(named.id, None, named.created, reasoning_field=named.reasoning_field)


def _completion_encode(named: Named) -> OpenAICompletionsEncode:
    return OpenAICompletionsEncode(named.id, None, named.created, include_usage=named.include_usage)


def _completion_whole(named: Named) -> OpenAICompletionsWhole:
    return OpenAICompletionsWhole(named.id, None, named.created)


CHAT = Form("chatcmpl-", _chat_encode, _chat_whole)
COMPLETION = Form("cmpl-", _completion_encode, _completion_whole, completes=True)

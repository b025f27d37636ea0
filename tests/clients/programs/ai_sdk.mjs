// The Vercel AI SDK over its provider for OpenAI-compatible servers, as its users use it.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { TOOL, answerAll, fault, stopwatch } from "./jobs.mjs";

await answerAll(async (question, said) => {
  const provider = createOpenAICompatible({
    name: "tokenweir",
    baseURL: question.base_url,
    apiKey: question.api_key,
    includeUsage: true,
  });
  const asked = {
    model: provider(question.model),
    prompt: "Who are you?",
    maxRetries: question.retries ?? 0,
    maxOutputTokens: question.max_tokens,
  };
  if (question.tools) {
    const inputSchema = jsonSchema(TOOL.parameters);
    asked.tools = { [TOOL.name]: tool({ description: TOOL.description, inputSchema }) };
  }
  await { whole, stream: streamed, leave: left }[question.way](asked, said);
});

async function whole(asked, said) {
  const result = await generateText(asked);
  said.text = result.text;
  said.reasoning = result.reasoningText ?? null;
  said.calls = result.toolCalls.map(told);
  end(result.finishReason, result.usage, said);
}

async function left(asked, said) {
  const controller = new AbortController();
  let pieces = 0;
  for await (const text of streamText({ ...asked, abortSignal: controller.signal }).textStream) {
    said.text += text;
    if (++pieces === 3) break;
  }
  controller.abort();
}

async function streamed(asked, said) {
  const piece = stopwatch(said);
  const result = streamText({ ...asked, onError() {} });
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") said.text += part.text;
    if (part.type === "reasoning-delta") said.reasoning = (said.reasoning ?? "") + part.text;
    if (part.type === "tool-call") said.calls.push(told(part));
    if (part.type === "error") said.error = fault(part.error);
    if (part.type === "finish") end(part.finishReason, part.totalUsage, said);
    if (part.type.endsWith("-delta") || part.type === "tool-call") piece();
  }
}

function told(call) {
  return { id: call.toolCallId, name: call.toolName, arguments: call.input };
}

function end(reason, usage, said) {
  said.finish = reason;
  const figures = [usage.inputTokens, usage.outputTokens, usage.totalTokens];
  said.usage = figures.includes(undefined) ? null : figures;
}

// The Anthropic library for Node, which coding agents are built on, through Weir.
import assert from "node:assert/strict";
import Anthropic, { toFile } from "@anthropic-ai/sdk";
import { NO_FILES, NO_THOUGHT, cannot, feature, main, needsSense, raises, site } from "./reporting.mjs";

const client = new Anthropic({ baseURL: site.url, apiKey: site.key, maxRetries: 0, timeout: 40_000 });
const ASK = [{ role: "user", content: "What is the weather in Oslo?" }];
const COUNT = [{ role: "user", content: "Count to ten." }];
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string", enum: ["Oslo", "Cairo"] } },
  required: ["city"],
  additionalProperties: false,
};
const WEATHER = { name: "get_weather", description: "The weather of a city", input_schema: SCHEMA };
const TIME = { name: "get_time", description: "The time in a city", input_schema: SCHEMA };
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const said = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const calls = (message) => message.content.filter((block) => block.type === "tool_use");

feature("plain", "a message", async ({ model }) => {
  const message = await client.messages.create({ model, messages: COUNT, max_tokens: 48 });
  assert.ok(said(message));
  assert.ok(message.usage.output_tokens > 0);
});

feature("streaming", "the events of a stream", async ({ model }) => {
  const kinds = [];
  const stream = client.messages.stream({ model, messages: COUNT, max_tokens: 48 });
  for await (const event of stream) kinds.push(event.type);
  assert.equal(kinds[0], "message_start");
  assert.equal(kinds.at(-1), "message_stop");
  assert.ok(said(await stream.finalMessage()));
});

feature("usage in stream", "usage in a stream", async ({ model }) => {
  const message = await client.messages.stream({ model, messages: COUNT, max_tokens: 48 }).finalMessage();
  assert.ok(message.usage.input_tokens + (message.usage.cache_read_input_tokens ?? 0) > 0);
  assert.ok(message.usage.output_tokens > 0);
});

feature("tool", "a tool, streamed", async (backend) => {
  const message = await client.messages
    .stream({ model: backend.model, messages: ASK, tools: [WEATHER], max_tokens: 80, temperature: 0 })
    .finalMessage();
  needsSense(backend);
  assert.deepEqual(calls(message).map((call) => [call.name, call.input]), [["get_weather", { city: "Oslo" }]]);
  assert.equal(message.stop_reason, "tool_use");
});

feature("parallel tools", "parallel tools, streamed", async (backend) => {
  needsSense(backend);
  const messages = [{ role: "user", content: "What is the weather and the time in Oslo?" }];
  const message = await client.messages
    .stream({ model: backend.model, messages, tools: [WEATHER, TIME], max_tokens: 120 })
    .finalMessage();
  assert.deepEqual(calls(message).map((call) => call.name), ["get_weather", "get_time"]);
});

feature("tool loop", "a tool loop", async (backend) => {
  needsSense(backend);
  const asked = { model: backend.model, tools: [WEATHER], max_tokens: 80 };
  const first = await client.messages.create({ ...asked, messages: ASK });
  const result = { type: "tool_result", tool_use_id: calls(first)[0].id, content: "4 degrees" };
  const messages = [...ASK, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
  assert.match(said(await client.messages.create({ ...asked, messages })), /4 degrees/);
});

feature("reasoning", "thinking that goes back as it came", async (backend) => {
  const asked = {
    model: backend.thinker || backend.model,
    messages: ASK,
    tools: [WEATHER],
    max_tokens: backend.thinker ? 4000 : 200,
    thinking: { type: "enabled", budget_tokens: 2000 },
  };
  if (!backend.thinker) {
    await raises(Anthropic.BadRequestError, client.messages.create(asked), /reasoning/);
    cannot(NO_THOUGHT);
  }
  const message = await client.messages.stream(asked).finalMessage();
  if (!backend.name.includes("Anthropic")) cannot("OpenAI shows no thoughts; asking for them does no harm");
  assert.equal(message.content[0].type, "thinking");
  const result = { type: "tool_result", tool_use_id: calls(message)[0].id, content: "4 degrees" };
  const messages = [...ASK, { role: "assistant", content: message.content }, { role: "user", content: [result] }];
  assert.match(said(await client.messages.create({ ...asked, messages })), /4 degrees/);
});

feature("token count", "a count", async (backend) => {
  const asked = { model: backend.model, messages: ASK, tools: [WEATHER] };
  if (!backend.native.includes("messages")) {
    await raises(Anthropic.APIError, client.messages.countTokens(asked), /^(400|404)/);
    cannot("Weir has no way to ask this provider for a count beforehand: an error that says so");
  }
  assert.ok((await client.messages.countTokens(asked)).input_tokens > 0);
});

feature("files", "a file", async ({ model, keeps }) => {
  const upload = { file: await toFile(Buffer.from("The weir was mended."), "notes.txt"), model };
  if (!keeps) {
    await raises(Anthropic.BadRequestError, client.beta.files.upload(upload), /files/);
    cannot(NO_FILES);
  }
  const file = await client.beta.files.upload(upload);
  assert.equal(file.filename, "notes.txt");
  const block = { type: "document", source: { type: "file", file_id: file.id } };
  const messages = [{ role: "user", content: [block, { type: "text", text: "When?" }] }];
  const asked = { model, max_tokens: 16, messages, betas: ["files-api-2025-04-14"] };
  assert.ok((await client.beta.messages.create(asked)).content.length);
  assert.equal((await client.beta.files.retrieveMetadata(file.id)).id, file.id);
  await client.beta.files.delete(file.id);
  await raises(Anthropic.NotFoundError, client.beta.messages.create(asked));
});

feature("images", "an image", async (backend) => {
  const source = { type: "base64", media_type: "image/png", data: PIXEL };
  const content = [{ type: "image", source }, { type: "text", text: "What is this?" }];
  const asked = { model: backend.model, messages: [{ role: "user", content }], max_tokens: 48 };
  if (!backend.sees) {
    await raises(Anthropic.BadRequestError, client.messages.create(asked), /image|vision/i);
    cannot("the model sees no images: a 400 that says so");
  }
  assert.ok(said(await client.messages.create(asked)));
});

feature("bad key", "a bad key", async ({ model }) => {
  const stranger = new Anthropic({ baseURL: site.url, apiKey: "sk-weir-wrong", maxRetries: 0 });
  await raises(Anthropic.AuthenticationError, stranger.messages.create({ model, messages: ASK, max_tokens: 8 }));
});

feature("unknown model", "an unknown model", async ({ model }) => {
  const asked = { model: `${model}-of-tomorrow`, messages: ASK, max_tokens: 8 };
  await raises(Anthropic.NotFoundError, client.messages.create(asked));
});

feature("rate limit", "a rate limit", async ({ busy }) => {
  await raises(Anthropic.RateLimitError, client.messages.create({ model: busy, messages: ASK, max_tokens: 8 }));
});

feature("broken stream", "a broken stream", async ({ broken }) => {
  const asked = { model: broken, messages: ASK, max_tokens: 64 };
  await raises(Anthropic.AnthropicError, client.messages.stream(asked).finalMessage());
});

feature("cancel", "a client that leaves", async ({ model, slow }) => {
  const messages = [{ role: "user", content: "Count to ten thousand." }];
  const stream = client.messages.stream({ model: slow, messages, max_tokens: 400 });
  for await (const event of stream) if (event.type === "content_block_delta") break;
  stream.abort();
  assert.ok((await client.messages.create({ model, messages: ASK, max_tokens: 8 })).content);
});

await main();

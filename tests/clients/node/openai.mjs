// The openai library for Node, through Weir: chat, responses, embeddings, errors.
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";
import { NO_FILES, cannot, feature, main, needsSense, raises, site } from "./reporting.mjs";

const client = new OpenAI({ baseURL: `${site.url}/v1`, apiKey: site.key, maxRetries: 0, timeout: 40_000 });
const ASK = [{ role: "user", content: "What is the weather in Oslo?" }];
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string", enum: ["Oslo", "Cairo"] } },
  required: ["city"],
  additionalProperties: false,
};
const WEATHER = { name: "get_weather", description: "The weather of a city", parameters: SCHEMA };
const TIME = { name: "get_time", parameters: SCHEMA };
const tool = (each) => ({ type: "function", function: each });
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const assertCity = (text, backend) => {
  const { city, ...rest } = JSON.parse(text);
  assert.deepEqual(rest, {});
  if (backend.sensible) assert.equal(city, "Oslo");
  else assert.equal(typeof city, "string");
};

feature("plain", "an answer", async ({ model }) => {
  const answer = await client.chat.completions.create({ model, messages: ASK, max_tokens: 48 });
  assert.ok(answer.choices[0].message.content);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

feature("streaming", "a stream", async ({ model }) => {
  let said = "";
  const stream = await client.chat.completions.create({ model, messages: ASK, max_tokens: 48, stream: true });
  for await (const chunk of stream) {
    said += chunk.choices[0]?.delta?.content ?? "";
    assert.ok(!chunk.usage);
  }
  assert.ok(said);
});

feature("usage in stream", "usage in a stream", async ({ model }) => {
  const asked = { model, messages: ASK, max_tokens: 48, stream: true, stream_options: { include_usage: true } };
  let last;
  for await (const chunk of await client.chat.completions.create(asked)) last = chunk;
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.completion_tokens > 0);
});

feature("conversation", "many turns", async ({ model }) => {
  const messages = [{ role: "system", content: "Be brief." }];
  for (const content of ["ping", "Say hello.", "Who are you?"]) {
    messages.push({ role: "user", content });
    const answer = await client.chat.completions.create({ model, messages, max_tokens: 24 });
    messages.push(answer.choices[0].message);
  }
  assert.ok(messages.every((turn) => turn.content));
});

feature("tool", "a tool", async (backend) => {
  const asked = { model: backend.model, messages: ASK, tools: [tool(WEATHER)], max_tokens: 80, temperature: 0 };
  const choice = (await client.chat.completions.create(asked)).choices[0];
  assert.equal(choice.finish_reason, "tool_calls");
  assert.equal(choice.message.tool_calls[0].function.name, "get_weather");
  assertCity(choice.message.tool_calls[0].function.arguments, backend);
});

feature("forced tool", "a forced tool, streamed", async (backend) => {
  const choice = { type: "function", function: { name: "get_weather" } };
  const asked = { model: backend.model, messages: ASK, tools: [tool(TIME), tool(WEATHER)], max_tokens: 120, temperature: 0 };
  const stream = client.chat.completions.stream({ ...asked, tool_choice: choice });
  const call = (await stream.finalChatCompletion()).choices[0].message.tool_calls[0];
  assert.equal(call.function.name, "get_weather");
  assertCity(call.function.arguments, backend);
});

feature("parallel tools", "parallel tools, streamed", async (backend) => {
  needsSense(backend);
  const messages = [{ role: "user", content: "What is the weather and the time in Oslo?" }];
  const stream = client.chat.completions.stream({
    model: backend.model, messages, tools: [tool(WEATHER), tool(TIME)], max_tokens: 120,
  });
  const calls = (await stream.finalChatCompletion()).choices[0].message.tool_calls;
  assert.deepEqual(calls.map((call) => call.function.name), ["get_weather", "get_time"]);
  for (const call of calls) assertCity(call.function.arguments, backend);
});

feature("tool loop", "the library's own runner", async (backend) => {
  needsSense(backend);
  const runnable = { ...WEATHER, parse: JSON.parse, function: ({ city }) => `4 degrees in ${city}` };
  const asked = { model: backend.model, messages: ASK, tools: [tool(runnable)] };
  const said = await client.chat.completions.runTools(asked).finalContent();
  assert.match(said, /4 degrees in Oslo/);
});

feature("structured output", "a schema", async (backend) => {
  needsSense(backend);
  const form = { type: "json_schema", json_schema: { name: "place", strict: true, schema: SCHEMA } };
  const asked = { model: backend.model, messages: ASK, max_tokens: 64, response_format: form };
  assertCity((await client.chat.completions.create(asked)).choices[0].message.content, backend);
});

feature("reasoning", "reasoning", async (backend) => {
  if (!backend.thinker) cannot("the engine runs without a reasoning parser");
  const asked = { model: backend.thinker, messages: ASK, max_completion_tokens: 4096, reasoning_effort: "low" };
  const answer = await client.chat.completions.create(asked);
  const counted = answer.usage.completion_tokens_details?.reasoning_tokens;
  assert.ok(counted || answer.choices[0].message.reasoning_content);
});

feature("images", "an image", async (backend) => {
  const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url: PIXEL } }];
  const asked = { model: backend.model, messages: [{ role: "user", content }], max_tokens: 48 };
  if (!backend.sees) {
    await raises(OpenAI.BadRequestError, client.chat.completions.create(asked), /image|vision/i);
    cannot("the model sees no images: a 400 that says so");
  }
  assert.ok((await client.chat.completions.create(asked)).choices[0].message.content);
});

feature("files", "a file", async ({ model, keeps }) => {
  const upload = { file: await toFile(Buffer.from("The weir was mended."), "notes.txt"), purpose: "user_data", model };
  if (!keeps) {
    await raises(OpenAI.BadRequestError, client.files.create(upload), /files/);
    cannot(NO_FILES);
  }
  const file = await client.files.create(upload);
  assert.equal(file.filename, "notes.txt");
  const shown = [{ type: "file", file: { file_id: file.id } }, { type: "text", text: "When?" }];
  const asked = { model, messages: [{ role: "user", content: shown }], max_tokens: 16 };
  assert.ok((await client.chat.completions.create(asked)).choices[0].message.content);
  assert.equal((await client.files.retrieve(file.id)).id, file.id);
  assert.ok((await client.files.delete(file.id)).deleted);
  await raises(OpenAI.NotFoundError, client.chat.completions.create(asked));
});

feature("embeddings", "embeddings", async (backend) => {
  if (!backend.embedder) {
    const refused = client.embeddings.create({ model: backend.model, input: "a" });
    await raises(OpenAI.BadRequestError, refused, /embed/);
    cannot("the model does not embed: a 400 that says so");
  }
  const input = ["a weir", "a river"]; // the library asks for base64 and unpacks it
  const packed = await client.embeddings.create({ model: backend.embedder, input });
  const floats = await client.embeddings.create({ model: backend.embedder, input, encoding_format: "float" });
  packed.data.forEach((one, i) => {
    one.embedding.forEach((value, j) => assert.ok(Math.abs(value - floats.data[i].embedding[j]) < 1e-6));
  });
});

feature("responses", "a response", async ({ model }) => {
  const asked = { model, input: "Say hello.", max_output_tokens: 64, store: false };
  assert.ok((await client.responses.create(asked)).output_text);
  const numbers = [];
  let said = "";
  for await (const event of await client.responses.create({ ...asked, stream: true })) {
    numbers.push(event.sequence_number);
    if (event.type === "response.output_text.delta") said += event.delta;
  }
  assert.ok(said);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
});

feature("responses tools", "a response with tools, streamed", async (backend) => {
  const choice = { type: "function", name: "get_weather" };
  const tools = [{ type: "function", ...WEATHER, strict: true }];
  const asked = { model: backend.model, input: ASK, tools, tool_choice: choice, store: false, temperature: 0 };
  const response = await client.responses.stream(asked).finalResponse();
  const call = response.output.find((item) => item.type === "function_call");
  assert.equal(call.name, "get_weather");
  assertCity(call.arguments, backend);
});

feature("responses schema", "a response held to a schema", async (backend) => {
  needsSense(backend);
  const format = { type: "json_schema", name: "place", strict: true, schema: SCHEMA };
  const response = await client.responses.parse({ model: backend.model, input: ASK, text: { format }, store: false });
  assert.equal(response.output_parsed.city, "Oslo");
});

feature("responses state", "a kept response", async (backend) => {
  if (!backend.name.includes("OpenAI")) {
    const asked = { model: backend.model, input: "And then?", previous_response_id: "resp_of_nobody" };
    await raises(OpenAI.APIError, client.responses.create(asked), /^(400|404)/);
    cannot("nothing is kept between requests: an error that says so");
  }
  const first = await client.responses.create({ model: backend.model, input: "My word is heron." });
  const next = { model: backend.model, input: "What was it?", previous_response_id: first.id };
  const second = await client.responses.create(next);
  assert.equal((await client.responses.retrieve(second.id)).output_text, second.output_text);
  const numbers = [];
  const again = await client.responses.retrieve(first.id, { stream: true, starting_after: 1 });
  for await (const event of again) numbers.push(event.sequence_number);
  assert.equal(numbers[0], 2);
  for await (const item of client.responses.inputItems.list(first.id)) assert.equal(item.type, "message");
  await client.responses.delete(first.id);
  await raises(OpenAI.NotFoundError, client.responses.retrieve(first.id), /not found/);
  let made = await client.responses.create({ model: backend.model, input: "Say hello.", background: true });
  while (["queued", "in_progress"].includes(made.status)) made = await client.responses.retrieve(made.id);
  assert.ok(made.output_text);
  assert.equal((await client.responses.cancel(made.id)).status, "completed");
});

feature("bad key", "a bad key", async ({ model }) => {
  const stranger = new OpenAI({ baseURL: `${site.url}/v1`, apiKey: "sk-weir-wrong", maxRetries: 0 });
  await raises(OpenAI.AuthenticationError, stranger.chat.completions.create({ model, messages: ASK }));
});

feature("unknown model", "an unknown model", async ({ model }) => {
  const asked = { model: `${model}-of-tomorrow`, messages: ASK };
  await raises(OpenAI.NotFoundError, client.chat.completions.create(asked), /does not exist/);
});

feature("bad request", "no messages", async ({ model }) => {
  await raises(OpenAI.BadRequestError, client.chat.completions.create({ model, messages: [] }));
});

feature("over-long", "an over-long prompt", async ({ model }) => {
  const messages = [{ role: "user", content: "word ".repeat(900_000) }];
  await raises(OpenAI.BadRequestError, client.chat.completions.create({ model, messages }), /context|token|long/i);
});

feature("rate limit", "a rate limit", async ({ name, busy }) => {
  const error = await raises(OpenAI.RateLimitError, client.chat.completions.create({ model: busy, messages: ASK }));
  if (!name.includes("vLLM")) assert.ok(Number(error.headers.get("retry-after")) >= 1);
});

feature("broken stream", "a broken stream", async ({ broken }) => {
  const read = async () => {
    const asked = { model: broken, messages: ASK, stream: true };
    for await (const chunk of await client.chat.completions.create(asked)) assert.ok(chunk);
  };
  await raises(OpenAI.APIError, read());
});

feature("cancel", "a client that leaves", async ({ model, slow }) => {
  const messages = [{ role: "user", content: "Count to ten thousand." }];
  const stream = await client.chat.completions.create({ model: slow, messages, max_tokens: 400, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk);
    stream.controller.abort();
    break;
  }
  assert.ok((await client.chat.completions.create({ model, messages: ASK, max_tokens: 8 })).choices);
});

feature("list of models", "the list of models", async ({ model }) => {
  const names = [];
  for await (const each of client.models.list()) names.push(each.id);
  assert.ok(names.includes(model));
});

await main();

// OpenAI's own client for JavaScript, unmodified, in front of a queen: node openai.mjs http://127.0.0.1:PORT/v1
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const capital = "The capital of France is Paris.";
const chat = { model: "demo", temperature: 0, messages: [{ role: "user", content: "What is the capital of France?" }] };
const schema = { type: "object", properties: { city: { enum: ["Paris", "Rome"] } }, required: ["city"], additionalProperties: false };

const suite = {
  async chat() {
    const { data, response } = await client.chat.completions.create(chat).withResponse();
    assert.equal(data.choices[0].message.content, capital);
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.ok(response.headers.get("x-request-id"));
  },
  async stream() {
    let text = "", usage;
    const stream = await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, capital);
    assert.ok(usage.completion_tokens > 0 && usage.total_tokens === usage.prompt_tokens + usage.completion_tokens);
  },
  async streamHelper() {
    const final = await client.chat.completions.stream(chat).finalChatCompletion();
    assert.equal(final.choices[0].message.content, capital);
  },
  async settings() {
    const stopped = await client.chat.completions.create({ ...chat, stop: [" is"] });
    assert.equal(stopped.choices[0].message.content, "The capital of France");
    const short = await client.chat.completions.create({ ...chat, max_completion_tokens: 2, n: 2, seed: 1, logprobs: true, top_logprobs: 2 });
    assert.equal(short.choices.length, 2);
    assert.equal(short.choices[1].finish_reason, "length");
    assert.equal(short.choices[1].logprobs.content.length, 2);
    await client.chat.completions.create({ ...chat, max_tokens: 2, top_k: 5, min_p: 0.1, repeat_penalty: 1.1, presence_penalty: 1, frequency_penalty: 1, logit_bias: { 7: -100 } });
  },
  async schema() {
    const got = await client.chat.completions.create({ ...chat, response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } } });
    assert.match(JSON.parse(got.choices[0].message.content).city, /^(Paris|Rome)$/);
    const any = await client.chat.completions.create({ ...chat, max_tokens: 200, response_format: { type: "json_object" } });
    if (any.choices[0].finish_reason === "stop") JSON.parse(any.choices[0].message.content);
  },
  async tools() {
    const ask = { ...chat, tools: [{ type: "function", function: { name: "weather", parameters: schema } }], tool_choice: "required" };
    const whole = await client.chat.completions.create(ask);
    const streamed = await client.chat.completions.stream(ask).finalChatCompletion();
    for (const got of [whole, streamed]) {
      const call = got.choices[0].message.tool_calls[0];
      assert.equal(got.choices[0].finish_reason, "tool_calls");
      assert.equal(call.function.name, "weather");
      assert.match(JSON.parse(call.function.arguments).city, /^(Paris|Rome)$/);
    }
  },
  async completions() {
    const got = await client.completions.create({ model: "demo", prompt: ["The capital of", "The quick brown"], temperature: 0, echo: true });
    assert.equal(got.choices[0].text, capital);
    assert.match(got.choices[1].text, /^The quick brown fox/);
  },
  async embeddings() { // the client asks for base64 by itself
    const got = await client.embeddings.create({ model: "demo", input: ["a", "b"] });
    const length = Math.hypot(...got.data[1].embedding);
    assert.ok(got.data.length === 2 && Math.abs(length - 1) < 1e-3, `length ${length}`);
  },
  async models() {
    const ids = [];
    for await (const m of client.models.list()) ids.push(m.id);
    assert.ok(ids.includes("demo"), ids.join());
    assert.equal((await client.models.retrieve("demo")).id, "demo");
  },
  async errors() {
    await assert.rejects(client.chat.completions.create({ ...chat, model: "nobody" }), (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
    await assert.rejects(client.chat.completions.create({ ...chat, temperature: 3 }), (e) => e instanceof OpenAI.BadRequestError && e.param === "temperature");
    await assert.rejects(client.chat.completions.create({ ...chat, stream: true, messages: [{ role: "user", content: "word ".repeat(20000) }] }), (e) => e.status === 400 && e.code === "context_length_exceeded");
  },
  async abort() {
    const stream = await client.chat.completions.create({ ...chat, stream: true, ignore_eos: true });
    for await (const chunk of stream) break;
    stream.controller.abort();
    await suite.chat();
  },
};

for (const [name, part] of Object.entries(suite)) {
  await part();
  console.log("ok", name);
}

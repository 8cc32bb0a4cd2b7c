// Package openai is OpenAI's HTTP interface as data: the requests with their checks, what they mean as messages, and
// the responses as bytes. It serves nothing (package gateway does) and knows no backend.
//
// A request is decoded as OpenAI decodes one: fields that nobody knows are ignored, a known one of the wrong type, out
// of its range or too long is refused, and the refusal names it (Problem). null is the same as nothing. Beside OpenAI's
// own fields there are those that llama-server and vLLM have made common, and a few of rbee's; doc/openapi has them all.
//
// Responses are put together by hand: one streamed token is one event of some 200 bytes of which three words change, and
// encoding it by reflection would cost several times as much as everything else that happens to it.
package openai

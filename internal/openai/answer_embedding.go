package openai

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"rbee/internal/api"
	"rbee/messages"
)

// AppendEmbeddings appends the response to an embedding request. Vectors are brought to length 1, as OpenAI's are.
func AppendEmbeddings(b []byte, model string, all []*messages.Embedding, asBase64 bool, u *messages.Usage) []byte {
	b = append(b, `{"object":"list","data":[`...)
	for i, e := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		if v := unit(e.GetValues()); asBase64 {
			b = appendBase64(b, v)
		} else {
			b = appendNumbers(b, v)
		}
		b = append(b, '}')
	}
	b = append(b, `],"model":`...)
	b = api.AppendString(b, model)
	b = append(b, `,"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, u.GetPromptTokens(), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, u.GetPromptTokens(), 10)
	return append(b, "}}\n"...)
}

// unit is v at length 1; a vector of nothing stays what it is.
func unit(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return make([]float32, len(v)) // JSON has no word for what was in it
	}
	out, by := make([]float32, len(v)), 1/math.Sqrt(sum)
	for i, x := range v {
		out[i] = float32(float64(x) * by)
	}
	return out
}

func appendNumbers(b []byte, v []float32) []byte {
	b = append(b, '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'g', -1, 32)
	}
	return append(b, ']')
}

// appendBase64 writes 4 bytes a number, the lowest first.
func appendBase64(b []byte, v []float32) []byte {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}

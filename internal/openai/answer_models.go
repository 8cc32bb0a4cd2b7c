package openai

import (
	"strconv"

	"rbee/internal/api"
)

// Model is one entry of GET /v1/models.
type Model struct {
	ID      string
	Created int64
	OwnedBy string
}

func (m Model) append(b []byte) []byte {
	b = append(b, `{"id":`...)
	b = api.AppendString(b, m.ID)
	b = append(b, `,"object":"model","created":`...)
	b = strconv.AppendInt(b, m.Created, 10)
	b = append(b, `,"owned_by":`...)
	return append(api.AppendString(b, m.OwnedBy), '}')
}

// AppendModel appends one model as a response.
func AppendModel(b []byte, m Model) []byte { return append(m.append(b), '\n') }

// AppendModels appends the list of all.
func AppendModels(b []byte, all []Model) []byte {
	b = append(b, `{"object":"list","data":[`...)
	for i, m := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = m.append(b)
	}
	return append(b, "]}\n"...)
}

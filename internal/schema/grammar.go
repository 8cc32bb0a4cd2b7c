package schema

import (
	"encoding/json"

	"rbee/internal/fault"
)

func grammar(raw json.RawMessage) (string, error) {
	return "", fault.New(fault.InvalidRequest, "json schemas are not supported yet").With("field", "response_format.json_schema.schema")
}

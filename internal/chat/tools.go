package chat

import (
	"encoding/json"
	"fmt"

	"rbee/internal/fault"
)

// tool is one function that a model may call.
type tool struct {
	Type     string
	Function struct {
		Name, Description string
		Parameters        json.RawMessage
	}
}

// maxTools is how many tools one request may bring; OpenAI's limit.
const maxTools = 128

// toolsOf reads OpenAI's list of tools.
func toolsOf(toolsJSON string) ([]tool, error) {
	var tools []tool
	if err := json.Unmarshal([]byte(toolsJSON), &tools); err != nil {
		return nil, fault.Wrap(fault.InvalidRequest, err, "the tools cannot be read: %v", err).With("field", "tools")
	}
	if len(tools) > maxTools {
		return nil, fault.New(fault.InvalidRequest, "%d tools: there may be %d", len(tools), maxTools).With("field", "tools")
	}
	seen := map[string]bool{}
	for i, t := range tools {
		switch {
		case t.Type != "" && t.Type != "function":
			return nil, badTool(i, "its type is %q: only functions can be called", t.Type)
		case t.Function.Name == "":
			return nil, badTool(i, "it has no name")
		case len(t.Function.Name) > 64:
			return nil, badTool(i, "its name has %d bytes: there may be 64", len(t.Function.Name))
		case seen[t.Function.Name]:
			return nil, badTool(i, "there is another one with the name %q", t.Function.Name)
		}
		seen[t.Function.Name] = true
	}
	return tools, nil
}

func badTool(i int, format string, args ...any) error {
	return fault.New(fault.InvalidRequest, "the tool %d: %s", i, fmt.Sprintf(format, args...)).With("field", fmt.Sprintf("tools[%d]", i))
}

// CheckTools says why a request's tools cannot be used.
func CheckTools(toolsJSON string) error {
	_, err := toolsOf(toolsJSON)
	return err
}

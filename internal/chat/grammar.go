package chat

import "rbee/internal/fault"

// ToolGrammar makes a grammar (GBNF) of which every sentence is a valid call in that format: of any of the tools if
// choice is "required", else of the function named by choice. With parallel there may be several calls.
// Errors are INVALID_REQUEST faults: an unknown function, parameters whose schema no grammar can hold.
func ToolGrammar(format ToolFormat, toolsJSON, choice string, parallel bool) (string, error) {
	return "", fault.New(fault.InvalidRequest, "tool_choice %q cannot be kept", choice).With("field", "tool_choice")
}

package gateway

import "rbee/internal/fault"

// grammars is openai.Grammars.
type grammars struct{}

func (grammars) Object() string { return `root ::= "{}"` } // until package schema is here

func (grammars) Schema([]byte) (string, error) {
	return "", fault.New(fault.InvalidRequest, "schemas are not supported yet")
}

func (grammars) Check(string) error { return nil }

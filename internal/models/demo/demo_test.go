package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestBytesAreTheSameEverywhere(t *testing.T) {
	sum := sha256.Sum256(Bytes())
	if got := hex.EncodeToString(sum[:]); got != SHA256 {
		t.Errorf("the file's digest is %s, the constant says %s", got, SHA256)
	}
}

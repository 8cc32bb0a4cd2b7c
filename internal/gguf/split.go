package gguf

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// MaxParts bounds the files of one split model.
const MaxParts = 1000

var splitName = regexp.MustCompile(`^(.+)-(\d{5})-of-(\d{5})\.[gG][gG][uU][fF]$`)

// ParseSplit takes the name of one file of a split model apart, as llama.cpp names them:
// "base-00002-of-00003.gguf". Parts count from 1.
func ParseSplit(file string) (base string, part, count int, ok bool) {
	m := splitName.FindStringSubmatch(file)
	if m == nil {
		return "", 0, 0, false
	}
	part, _ = strconv.Atoi(m[2])
	count, _ = strconv.Atoi(m[3])
	if count < 1 || count > MaxParts || part < 1 || part > count {
		return "", 0, 0, false
	}
	return m[1], part, count, true
}

// SplitName is the inverse of ParseSplit.
func SplitName(base string, part, count int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", base, part, count)
}

// IsModelFile reports whether a file's name ends in .gguf, in any case.
func IsModelFile(file string) bool {
	return len(file) > len(".gguf") && strings.EqualFold(file[len(file)-len(".gguf"):], ".gguf")
}

package keys

import (
	"slices"

	"rbee/internal/config"
	"rbee/internal/fault"
)

// Load reads a key file; one that is not there holds no keys.
func Load(path string) (Set, error) {
	text, err := config.Secret(path).Read()
	if err != nil {
		return Set{}, err
	}
	return Parse(path, text)
}

// Edit changes a key file. change may be called again when somebody else edited it meanwhile: two edits at once both
// count. If it fails, nothing is written.
func Edit(path string, change func(Set) (Set, error)) error {
	return config.Secret(path).Edit(func(before []byte) ([]byte, error) {
		s, err := Parse(path, before)
		if err != nil {
			return nil, err
		}
		if s, err = change(s); err != nil {
			return nil, err
		}
		return Format(s), nil
	})
}

// Add is s with one key more.
func (s Set) Add(k Key) (Set, error) {
	if problem := k.Problem(); problem != "" {
		return s, fault.New(fault.InvalidRequest, "%s", problem)
	}
	if _, there := s.Named(k.Name); there {
		return s, fault.New(fault.InvalidRequest, "there is a key %s already", k.Name).WithHint("choose another name, or take that one out: rbee key rm %s", k.Name)
	}
	if len(s.keys) >= maxKeys {
		return s, fault.New(fault.InvalidRequest, "there are %d keys, allowed are %d", len(s.keys), maxKeys).WithHint("take some out: rbee key rm NAME")
	}
	return Set{append(slices.Clone(s.keys), k)}, nil
}

// Remove is s without the named keys, all of which must be there.
func (s Set) Remove(names ...string) (Set, error) {
	for _, n := range names {
		if _, there := s.Named(n); !there {
			return s, fault.New(fault.InvalidRequest, "there is no key %q", short(n)).WithHint("rbee key ls lists them")
		}
	}
	return Set{slices.DeleteFunc(slices.Clone(s.keys), func(k Key) bool { return slices.Contains(names, k.Name) })}, nil
}

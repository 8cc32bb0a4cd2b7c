package gguf

// Group is a model among files: one file, or the parts of a split one.
type Group[T any] struct {
	Base  string // the file's name without its end, and without its part
	Count int    // files it should have
	Files []T    // those that there are, in the order they were given in
}

// GroupFiles puts files together to models, in the order of their first files. name is a file's name, which says
// whether it is a part; every one must be that of a model file.
func GroupFiles[T any](files []T, name func(T) string) []Group[T] {
	var all []Group[T]
	splits := map[string]int{} // name of the first part -> index in all
	for _, f := range files {
		n := name(f)
		base, _, count, split := ParseSplit(n)
		if !split {
			all = append(all, Group[T]{n[:len(n)-len(".gguf")], 1, []T{f}})
			continue
		}
		first := SplitName(base, 1, count)
		i, ok := splits[first]
		if !ok {
			i = len(all)
			splits[first] = i
			all = append(all, Group[T]{Base: base, Count: count})
		}
		all[i].Files = append(all[i].Files, f)
	}
	return all
}

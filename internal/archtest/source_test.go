package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the top of the tree, seen from this package.
const root = "../.."

// source is one Go file of ours.
type source struct {
	path    string // from the root, with slashes
	ast     *ast.File
	imports []string
}

func (s source) pkg() string { return path.Dir(s.path) }
func (s source) test() bool  { return strings.HasSuffix(s.path, "_test.go") }

// sources parses every Go file of the tree.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, f := range files(t) {
		if strings.HasSuffix(f, ".go") && !strings.Contains(f, "/testdata/") {
			text, err := os.ReadFile(filepath.Join(root, f))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, parse(t, f, string(text)))
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files found: the search is broken", len(all))
	}
	return all
}

func parse(t *testing.T, name, text string) source {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	s := source{path: name, ast: f}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		s.imports = append(s.imports, p)
	}
	return s
}

// files lists what belongs to the tree: what git tracks or would track; without git, all but what the build makes.
func files(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
		c := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
		c.Dir = root
		out, err := c.Output()
		if err != nil {
			t.Fatalf("git ls-files: %v", err)
		}
		return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	}
	var all []string
	built := []string{"bin", "lib", "dist", "bundles", ".cache"} // by the Makefile, at the top
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(built, rel):
			return filepath.SkipDir
		case !d.IsDir():
			all = append(all, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

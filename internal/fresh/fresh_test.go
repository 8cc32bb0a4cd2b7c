package fresh

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// kept is a value whose files hold its own text; "bad" is wrong.
func kept(t *testing.T, path string) (v *Value[string], warned *int, loads *int) {
	t.Helper()
	warned, loads = new(int), new(int)
	v, err := New(func() (string, error) {
		*loads++
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		if string(b) == "bad" {
			return "", errors.New("bad")
		}
		return string(b), err
	}, func(error) { *warned++ }, path)
	if err != nil {
		t.Fatal(err)
	}
	return v, warned, loads
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeCountsForTheNextAsker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	v, _, loads := kept(t, path)
	for _, text := range []string{"", "one", "two", "six"} { // the same length: only the inode tells
		if text != "" {
			replace(t, path, text)
		}
		for range 3 {
			if got := v.Get(); got != text {
				t.Fatalf("got %q, want %q", got, text)
			}
		}
	}
	if *loads != 4 {
		t.Errorf("%d loads of 4 contents", *loads)
	}
	if err := os.Remove(path); err != nil || v.Get() != "" {
		t.Errorf("after the file is gone: %q, %v", v.Get(), err)
	}
}

func TestWhatIsWrongLeavesTheOldInForceAndIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	replace(t, path, "good")
	v, warned, _ := kept(t, path)
	replace(t, path, "bad")
	for range 3 {
		if got := v.Get(); got != "good" {
			t.Fatalf("got %q", got)
		}
	}
	if *warned != 1 {
		t.Errorf("told %d times", *warned)
	}
	if v.Reload() == nil {
		t.Error("a reload does not say that the new text is wrong")
	}
	replace(t, path, "better")
	if got := v.Get(); got != "better" {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsLookedAtLessOftenIsAtMostThatOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 50 * time.Millisecond
		path := filepath.Join(t.TempDir(), "f")
		replace(t, path, "one")
		v, _, loads := kept(t, path)
		v.Every(every)
		replace(t, path, "two")
		time.Sleep(every - 1)
		if got := v.Get(); got != "one" || *loads != 1 {
			t.Errorf("too early: %q after %d loads", got, *loads)
		}
		time.Sleep(time.Nanosecond)
		if got := v.Get(); got != "two" {
			t.Errorf("after %v: %q", every, got)
		}
		replace(t, path, "six")
		if err := v.Reload(); err != nil || v.Get() != "six" {
			t.Errorf("a reload that is asked for came too late: %v", err)
		}
	})
}

func TestTheFirstLoadMustSucceed(t *testing.T) {
	if _, err := New(func() (int, error) { return 0, errors.New("no") }, nil); err == nil {
		t.Error("it did not fail")
	}
}

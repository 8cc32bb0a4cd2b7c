package keys

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"rbee/internal/fault"
)

func key(name, secret string) Key {
	return Key{Name: name, Hash: Hash(secret), Created: time.Unix(1700000000, 0).UTC()}
}

func set(t testing.TB, all ...Key) Set {
	t.Helper()
	var s Set
	for _, k := range all {
		var err error
		if s, err = s.Add(k); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestOnlyTheVerySecretFindsItsKey(t *testing.T) {
	secret := New()
	s := set(t, key("a", "other"), key("b", secret), key("c", "another"))
	if k, ok := s.Find(secret); !ok || k.Name != "b" {
		t.Errorf("found %v, %v", k.Name, ok)
	}
	for _, wrong := range []string{"", secret[:len(secret)-1], secret + "a", strings.ToUpper(secret), Hash(secret), " " + secret} {
		if k, ok := s.Find(wrong); ok {
			t.Errorf("%q found %s", wrong, k.Name)
		}
	}
}

func TestSecretsAreLongAndNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := New()
		if got, ok := Bearer([]string{"Bearer " + s}); !strings.HasPrefix(s, Prefix) || len(s) < 50 || seen[s] || !ok || got != s {
			t.Fatalf("%q", s)
		}
		seen[s] = true
	}
}

func TestTheFileHoldsNoSecret(t *testing.T) {
	secret := New()
	text := Format(set(t, key("a", secret)))
	if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte(strings.TrimPrefix(secret, Prefix))) {
		t.Errorf("%s", text)
	}
}

func TestBearerReadsTheHeaderAsClientsSendIt(t *testing.T) {
	for _, c := range []struct {
		header []string
		secret string
		ok     bool
	}{
		{nil, "", true},
		{[]string{"Bearer rbee_x"}, "rbee_x", true},
		{[]string{"bearer  rbee_x "}, "rbee_x", true},
		{[]string{"Bearer sk-no-key-required"}, "sk-no-key-required", true},
		{[]string{"Bearer"}, "", false},
		{[]string{"Bearer "}, "", false},
		{[]string{""}, "", false},
		{[]string{"Basic dTpw"}, "", false},
		{[]string{"rbee_x"}, "", false},
		{[]string{"Bearer a b"}, "", false},
		{[]string{"Bearer a\x00"}, "", false},
		{[]string{"Bearer ü"}, "", false},
		{[]string{"Bearer a", "Bearer b"}, "", false},
		{[]string{"Bearer " + strings.Repeat("a", maxSecret+1)}, "", false},
	} {
		if secret, ok := Bearer(c.header); secret != c.secret || ok != c.ok {
			t.Errorf("%.60q: %.20q %v, want %q %v", c.header, secret, ok, c.secret, c.ok)
		}
	}
}

func TestParseRefusesWhatAddWouldNotHaveWritten(t *testing.T) {
	good := `{"name":"a","hash":"` + Hash("x") + `","created":"2026-01-01T00:00:00Z"}`
	with := func(more string) string { return strings.TrimSuffix(good, "}") + "," + more + "}" }
	for text, says := range map[string]string{
		`[]`:                               "cannot unmarshal array",
		`{"version":2,"keys":[]}`:          "version is 2",
		`{"version":1,"keys":[]} x`:        "goes on after",
		`{"version":1,"keys":[],"more":1}`: `unknown field "more"`,
		`{"version":1,"keys":[` + good + `,` + good + `]}`:                         "a is there twice",
		`{"version":1,"keys":[` + strings.Replace(good, `"a"`, `""`, 1) + `]}`:     "the name is",
		`{"version":1,"keys":[` + strings.Replace(good, `"a"`, `"a b"`, 1) + `]}`:  "the name is",
		`{"version":1,"keys":[` + strings.Replace(good, "sha256", "md5", 1) + `]}`: "its hash is not",
		`{"version":1,"keys":[` + with(`"concurrent":-1`) + `]}`:                   "concurrent is -1",
		`{"version":1,"keys":[` + with(`"tokens_per_minute":-1`) + `]}`:            "tokens a minute is -1",
		`{"version":1,"keys":[` + with(`"weight":1e9`) + `]}`:                      "weight is 1e+09",
		`{"version":1,"keys":[` + with(`"models":[""]`) + `]}`:                     "a model is",
	} {
		if _, err := Parse("keys.json", []byte(text)); err == nil || !strings.Contains(err.Error(), says) || fault.From(err).Hint == "" {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

func TestAnExpiredKeyIsKnownAndCountsNoMore(t *testing.T) {
	at := time.Unix(1800000000, 0)
	k := key("a", "x")
	if k.Expired(at) {
		t.Error("a key without an end has expired")
	}
	k.Expires = at
	if k.Expired(at.Add(-1)) || !k.Expired(at) {
		t.Error("it does not end when it says")
	}
}

func TestEditsAtOnceAllCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rbee", "keys.json")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			name := fmt.Sprint("k", i)
			if err := Edit(path, func(s Set) (Set, error) { return s.Add(key(name, name)) }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, err := Load(path)
	if err != nil || s.Len() != 20 {
		t.Fatalf("%d keys are there, want 20: %v", s.Len(), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := Edit(path, func(s Set) (Set, error) { return s.Remove("k0", "none") }); err == nil {
		t.Error("a key that is not there was removed")
	}
	if err := Edit(path, func(s Set) (Set, error) { return s.Remove("k0", "k1") }); err != nil {
		t.Error(err)
	}
	if s, err = Load(path); err != nil || s.Len() != 18 {
		t.Errorf("%d keys are left, want 18: %v", s.Len(), err)
	}
}

func TestAFileThatOthersCouldWriteIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, Format(set(t, key("a", "x"))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "others can write to it") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Format(Set{}))
	f.Add(Format(set(f, key("a", "x"), Key{Name: "b", Hash: Hash("y"), Models: []string{"demo"}, Concurrent: 1, TokensPerMinute: 2, Weight: .5, Expires: time.Unix(2e9, 0).UTC()})))
	f.Add([]byte(`{"version":1,"keys":[{"name":"a"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", text)
		if err != nil {
			return
		}
		again, err := Parse("f", Format(s))
		if err != nil {
			t.Fatalf("what was read is not written as it is read: %v\n%s", err, Format(s))
		}
		if !reflect.DeepEqual(Format(again), Format(s)) {
			t.Fatalf("%s\n%s", Format(s), Format(again))
		}
		if _, ok := s.Find("x"); ok && !bytes.Contains(text, []byte("sha256:")) {
			t.Fatal("a key was found that is not there")
		}
	})
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer rbee_x")
	f.Add("bearer")
	f.Fuzz(func(t *testing.T, header string) {
		if secret, ok := Bearer([]string{header}); ok && (secret == "" || strings.ContainsAny(secret, " \t\r\n\x00,") || !strings.Contains(header, secret)) {
			t.Fatalf("%q from %q", secret, header)
		}
	})
}

package enginetest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"rbee/internal/engine"
	"rbee/internal/fault"
)

// ScriptVariable is the environment variable that FromEnv reads.
const ScriptVariable = "RBEE_FAKE_ENGINE"

// Stage is a point in a fake's life where something can go wrong.
type Stage string

const (
	AtLoad    Stage = "load"    // in Load, half way through the weights
	AtPrefill Stage = "prefill" // before the first prompt token is read
	AtDecode  Stage = "decode"  // before answer token n is sent
	AtClose   Stage = "close"   // in Close
)

// Point is a moment: a stage and, for AtDecode, after how many tokens of an answer.
type Point struct {
	Stage Stage
	Token int
}

// Harm is what goes wrong at a Point.
type Harm string

const (
	Hang    Harm = "hang"  // for ever, deaf to the context, as native code in a loop
	Exit    Harm = "exit"  // os.Exit(42)
	Crash   Harm = "crash" // die of SIGSEGV
	Abort   Harm = "abort" // die of SIGABRT, as on a failed assertion
	Fail    Harm = "fail"  // return an error with Script.Code
	Garbage Harm = "garbage"
)

// ExitCode is what Exit exits with.
const ExitCode = 42

// Script says how a Fake behaves. The zero value answers at once, with as many tokens as asked for (16 if
// unlimited).
type Script struct {
	Tokens    int           // the answer's length where the request sets none; 0 = 16
	Rate      float64       // tokens a second and slot; 0 = as fast as possible
	Prefill   time.Duration // for each prompt token
	Load      time.Duration // for the whole load
	Text      string        // the answer, a token for each word; it repeats. "" = "tok0 tok1 tok2 ..."
	Context   int           // the context the model was trained for; 0 = 4096
	Memory    int64         // Info.MemoryBytes
	Template  bool          // the model brings a chat template
	Code      fault.Code    // of Fail; "" = INTERNAL
	OnlyOnce  string        // a path: harm is done only by who can create it, so that a second worker is healthy
	Harm      map[Point]Harm
	Identical bool            // an answer does not depend on the seed even at a temperature
	Clock     bool            // the words of the answer are the moments at which they were made, in Unix nanoseconds
	Devices   []engine.Device // beside the CPU
	TellLoad  bool            // the answer says how the model was loaded
}

// Parse reads a script: fields separated by commas, in any order.
//
//	tokens=50          answers have 50 tokens
//	rate=100           100 tokens a second
//	prefill=2ms        for each prompt token
//	load=300ms         the load takes that long, with progress
//	text=a b c         the words of the answer (no commas)
//	clock              its words are the moments they were made, in Unix nanoseconds
//	ctx=512  memory=N  what Info says
//	template           the model brings a chat template
//	devices=cuda:0/8000 cuda:1/500   there are GPUs too, with so many million bytes free
//	tell-load          the answer says how the model was loaded
//	hang=decode@3      hang after 3 tokens; also load, prefill, close. So exit=, crash=, abort=, fail=, garbage=
//	code=MODEL_CORRUPT what fail= returns
//	once=PATH          harm only the first that comes to it
//
// garbage= prints a line of noise to standard output and goes on.
func Parse(script string) (Script, error) {
	s := Script{Harm: map[Point]Harm{}}
	for field := range strings.SplitSeq(script, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if key == "" {
			continue
		}
		if err := s.set(key, value); err != nil {
			return Script{}, fmt.Errorf("fake engine script, %q: %w", field, err)
		}
	}
	return s, nil
}

// FromEnv reads the script from RBEE_FAKE_ENGINE.
func FromEnv() (Script, error) { return Parse(os.Getenv(ScriptVariable)) }

func (s *Script) set(key, value string) (err error) {
	switch key {
	case "tokens":
		s.Tokens, err = positive(value)
	case "ctx":
		s.Context, err = positive(value)
	case "memory":
		s.Memory, err = strconv.ParseInt(value, 10, 64)
	case "rate":
		s.Rate, err = strconv.ParseFloat(value, 64)
		if err == nil && !(s.Rate >= 0 && s.Rate <= 1e6) {
			err = fmt.Errorf("must be between 0 and 1e6")
		}
	case "prefill":
		s.Prefill, err = time.ParseDuration(value)
	case "load":
		s.Load, err = time.ParseDuration(value)
	case "text":
		s.Text = value
	case "template":
		s.Template = true
	case "clock":
		s.Clock = true
	case "devices":
		s.Devices, err = devices(value)
	case "tell-load":
		s.TellLoad = true
	case "code":
		s.Code = fault.Code(value)
	case "once":
		s.OnlyOnce = value
	case string(Hang), string(Exit), string(Crash), string(Abort), string(Fail), string(Garbage):
		var p Point
		if p, err = parsePoint(value); err == nil {
			s.Harm[p] = Harm(key)
		}
	default:
		err = fmt.Errorf("unknown field")
	}
	return err
}

func devices(text string) (all []engine.Device, err error) {
	for field := range strings.FieldsSeq(text) {
		id, megabytes, _ := strings.Cut(field, "/")
		backend, _, ok := strings.Cut(id, ":")
		n, err := positive(megabytes)
		if err != nil || !ok {
			return nil, fmt.Errorf("%q is no device: cuda:0/8000", field)
		}
		all = append(all, engine.Device{ID: id, Backend: backend, Description: "fake " + backend, TotalBytes: int64(n) * 1e6, FreeBytes: int64(n) * 1e6})
	}
	return all, nil
}

func parsePoint(text string) (Point, error) {
	stage, at, numbered := strings.Cut(text, "@")
	p := Point{Stage: Stage(stage)}
	switch p.Stage {
	case AtLoad, AtPrefill, AtClose:
		if numbered {
			return Point{}, fmt.Errorf("only decode@N has a number")
		}
		return p, nil
	case AtDecode:
		if !numbered {
			return p, nil
		}
		n, err := strconv.Atoi(at)
		if err != nil || n < 0 {
			return Point{}, fmt.Errorf("%q is no number of tokens", at)
		}
		p.Token = n
		return p, nil
	}
	return Point{}, fmt.Errorf("no stage %q: there is load, prefill, decode@N, close", stage)
}

func positive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("must be 1 or more")
	}
	return n, err
}

package sshconfig

import (
	"errors"
	"fmt"
	"strings"
)

// match evaluates the criteria of a Match line from left to right. Once one fails, or where the line cannot count
// anyway, nothing is executed.
func (l *loader) match(rest string, active bool) (bool, error) {
	result, specific, n := active, false, 0
	for n = 0; ; n++ {
		var word, arg string
		if word, rest = next(rest); word == "" || word[0] == '#' {
			break
		}
		name := strings.ToLower(strings.TrimPrefix(word, "!"))
		not := strings.HasPrefix(word, "!")
		var ok bool
		switch name {
		case "all":
			ok = true
		case "canonical", "final":
			l.wantFinal = l.wantFinal || name == "final" && !not
			ok = l.final
		default:
			if arg, rest = next(rest); arg == "" {
				return false, fmt.Errorf("criterion %s of Match needs a value", name)
			}
			var one bool
			var err error
			if ok, one, err = l.criterion(name, arg, result); err != nil {
				return false, err
			}
			specific = specific || one && !not
		}
		result = result && ok != not
	}
	if n == 0 {
		return false, errors.New("a Match without a criterion")
	}
	l.c.Known = l.c.Known || result && specific
	return result, nil
}

// criterion answers one criterion that has a value. live is false when the answer does not matter any more.
func (l *loader) criterion(name, arg string, live bool) (ok, specific bool, err error) {
	list := strings.Split(arg, ",")
	switch name {
	case "host":
		host := l.host
		if !l.final {
			host = l.c.HostName(l.Name)
		}
		ok, specific = matchPatterns(strings.Split(strings.ToLower(arg), ","), strings.ToLower(host))
	case "originalhost":
		ok, specific = matchPatterns(strings.Split(strings.ToLower(arg), ","), strings.ToLower(l.Name))
	case "user":
		user := l.c.Get("user")
		if user == "" {
			user = l.LocalUser
		}
		ok, _ = matchPatterns(list, user)
	case "localuser":
		ok, _ = matchPatterns(list, l.LocalUser)
	case "tagged":
		ok, _ = matchPatterns(list, l.c.Get("tag"))
	case "exec":
		if !live {
			return false, false, nil
		}
		if l.Exec == nil {
			return false, false, errors.New("the criterion exec of Match is not run here")
		}
		command := arg
		if l.Expand != nil {
			if command, err = l.Expand(l.c, arg); err != nil {
				return false, false, err
			}
		}
		ok, err = l.Exec(command)
	default:
		if live {
			err = fmt.Errorf("criterion %s of Match is not supported: name the host in a Host line", name)
		}
	}
	return ok, specific, err
}

package supervisor

import (
	"errors"
	"syscall"
)

// cure is what helps against what the system said of a start.
func cure(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return "this process may open too few files: raise the limit with ulimit -n 1024"
	case errors.Is(err, syscall.ENFILE):
		return "this machine has too many open files: end something, or raise fs.file-max"
	case errors.Is(err, syscall.EAGAIN):
		return "too many processes: end something, or raise the limit with ulimit -u"
	case errors.Is(err, syscall.ENOMEM):
		return "not enough memory to start a process: end something"
	}
	return "the four programs of rbee, of one build and executable, belong in one folder; ulimit -a shows what may be too little"
}

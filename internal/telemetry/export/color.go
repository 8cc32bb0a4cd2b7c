package export

// style is an SGR parameter of a terminal; "" is plain.
type style string

const (
	dim    style = "2"
	bold   style = "1"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
	cyan   style = "36"
)

// services are given out in the order in which the programs appear: keeper, queen, hive, worker.
var services = []style{yellow, blue, cyan, green}

// painter is whether to use styles at all.
type painter bool

func (p painter) text(s style, text string) string {
	if !p || s == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

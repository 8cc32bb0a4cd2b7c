package fetch

// childHub in the environment makes the test binary another process of the node: it fetches from that hub.
const childHub = "RBEE_FETCH_TEST_HUB"

func child(string) int { return 0 }

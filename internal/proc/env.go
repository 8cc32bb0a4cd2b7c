package proc

// What every process of a run carries in its environment, so that it can be found from outside.
const (
	EnvRun  = "RBEE_RUN_ID" // the run: one command, or one daemon's life
	EnvLife = "RBEE_LIFE"   // the address of this process's life in the tree
	EnvRoot = "RBEE_ROOT"   // Identity of the run's root on this host, as "pid@start"
	// EnvDeath is the signal, CONT or KILL, that a process which no program of ours started (sshd did) is to ask the
	// kernel for when its parent dies.
	EnvDeath = "RBEE_OWNER_DEATH"
	EnvLease = "RBEE_LEASE" // how long a silent process counts as alive: it holds before the first frame says so
)

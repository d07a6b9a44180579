// Command gorun-agent is the target's side of gorun: it serves modules over
// stdin and stdout. gorun sends it to hosts and starts it there.
package main

import (
	"os"

	"gorun/modules/agent"
)

func main() { os.Exit(agent.Main()) }

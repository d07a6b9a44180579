package agent

// This file keeps the folder of agents small.

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// agentPrefix and a SHA-256 in hex is the name of an agent that is kept.
	agentPrefix = "agent-"
	// unusedTime is after how long an agent of another version leaves.
	unusedTime = 30 * 24 * time.Hour
	// usedTime is how exactly an agent's time of modification tells its last use.
	usedTime = 24 * time.Hour
)

// tidyCache marks this program as used, and removes agents beside it that
// nobody has used for long and what broken uploads left. A program that is not
// an agent in a folder of agents leaves everything alone.
func tidyCache(now time.Time) {
	self, err := os.Executable()
	if err != nil || !isAgentFile(filepath.Base(self)) {
		return
	}
	tidyFolder(self, now)
}

func tidyFolder(self string, now time.Time) {
	dir, own := filepath.Split(self)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		age := now.Sub(info.ModTime())
		path := filepath.Join(dir, e.Name())
		// What fails here (a disk that is full or read-only) is tried again next time.
		switch {
		case e.Name() == own:
			if age > usedTime || age < 0 {
				os.Chtimes(path, now, now)
			}
		case isAgentFile(e.Name()) && age > unusedTime, isPart(e.Name()) && age > usedTime:
			os.Remove(path)
		}
	}
}

func isAgentFile(name string) bool {
	sum, ok := strings.CutPrefix(name, agentPrefix)
	_, err := hex.DecodeString(sum)
	return ok && err == nil && len(sum) == 64
}

// isPart says whether name is of a file that the start script was writing, with
// its process's number.
func isPart(name string) bool {
	for _, prefix := range []string{".new", ".try"} {
		if pid, ok := strings.CutPrefix(name, prefix); ok && pid != "" && strings.Trim(pid, "0123456789") == "" {
			return true
		}
	}
	return false
}

package packaging

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorun/modules"
)

// TestOptionsOfToday covers what only today's collections have and their modules ask
// programs for in another way: the command lines are compared with their documentation.
func TestOptionsOfToday(t *testing.T) {
	const composer = `#!/bin/sh
case $1 in help) echo '{"definition":{"options":{"no-interaction":{}}}}'; exit;; esac
echo "composer $*" >> "$DIR/log"
`
	const brew = `#!/bin/sh
case $1 in info) echo "brew $*" >> "$DIR/log"; [ -e "$DIR/there" ] && echo Poured from bottle; exit 0;; esac
echo "brew $*" >> "$DIR/log"; touch "$DIR/there"
`
	for _, c := range []struct {
		name    string
		module  *modules.Module
		program string
		args    map[string]any
		changed bool
		want    string
	}{
		{"a project that is there", Composer, composer, map[string]any{"command": "create-project", "arguments": "a/b", "working_dir": "$DIR"}, false, ""},
		{"a project by force", Composer, composer, map[string]any{"command": "create-project", "arguments": "a/b", "working_dir": "$DIR", "force": true},
			true, "composer create-project --no-interaction --working-dir $DIR a/b\n"},
		{"a formula", Homebrew, brew, map[string]any{"name": "x", "path": "$DIR", "force_formula": true},
			true, "brew info x --formula\nbrew install x --formula\nbrew info x --formula\n"},
		{"whatever the name names", Homebrew, brew, map[string]any{"name": "x", "path": "$DIR"},
			true, "brew info x\nbrew install x\nbrew info x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			program := map[*modules.Module]string{Composer: "composer", Homebrew: "brew"}[c.module]
			for file, text := range map[string]string{program: c.program, "php": "#!/bin/sh\nexec \"$@\"\n", "composer.json": "{}"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for k, v := range c.args {
				if s, ok := v.(string); ok {
					c.args[k] = strings.ReplaceAll(s, "$DIR", dir)
				}
			}
			m := &modules.Run{Env: map[string]string{"DIR": dir, "PATH": dir + ":" + os.Getenv("PATH")}}
			out := c.module.Execute(context.Background(), m, c.args)
			if out["changed"] != c.changed || out["failed"] != nil {
				t.Errorf("the result is %v", out)
			}
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			if have := strings.ReplaceAll(string(log), dir, "$DIR"); have != c.want {
				t.Errorf("it ran\n%s\nwant\n%s", have, c.want)
			}
		})
	}
}

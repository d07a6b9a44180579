package files

import (
	"context"
	"encoding/base64"
	"os"
	"unicode/utf8"

	"gorun/modules"
	"gorun/modules/oserr"
)

type slurpArgs struct {
	Armor bool   `arg:"armor"`
	Src   string `arg:"src"`
}

// Slurp is ansible.builtin.slurp.
var Slurp = modules.Define(modules.Spec{
	Name: "ansible.builtin.slurp",
	Doc:  "Bring the content of a file on the target, base64-encoded.",
	Options: []modules.Option{
		{Name: "armor", Type: modules.Bool, Default: true, Doc: "Encode the content; without it the file has to be UTF-8 text."},
		{Name: "src", Type: modules.Path, Required: true, Aliases: []string{"path"}, Doc: "The file on the target."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(_ context.Context, _ *modules.Run, a *slurpArgs) (*modules.Result, error) {
	data, err := os.ReadFile(a.Src)
	if err != nil {
		switch oserr.Code(err) {
		case 2:
			return nil, modules.Failf("file not found: %s", a.Src)
		case 13:
			return nil, modules.Failf("file is not readable: %s", a.Src)
		case 21:
			return nil, modules.Failf("source is a directory and must be a file: %s", a.Src)
		}
		return nil, modules.Failf("unable to slurp file: %s", oserr.Str(err, a.Src))
	}
	if !a.Armor {
		if !utf8.Valid(data) {
			return nil, modules.Failf("source is not valid UTF-8 text: %s", a.Src)
		}
		return &modules.Result{Data: map[string]any{"content": string(data), "source": a.Src, "encoding": "utf-8"}}, nil
	}
	return &modules.Result{Data: map[string]any{
		"content": base64.StdEncoding.EncodeToString(data), "source": a.Src, "encoding": "base64"}}, nil
})

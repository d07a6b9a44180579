package posix

import (
	"context"
	"strings"

	"gorun/modules"
)

type capabilitiesArgs struct {
	Capability string `arg:"capability"`
	Path       string `arg:"path"`
	State      string `arg:"state"`
}

// Capabilities is community.general.capabilities.
var Capabilities = modules.Define(modules.Spec{
	Name: "community.general.capabilities",
	Doc:  "Give a program capabilities of the kernel, by setcap.",
	Options: []modules.Option{
		{Name: "capability", Required: true, Aliases: []string{"cap"}, Doc: "The capability with operator and flags: cap_net_bind_service=+ep."},
		{Name: "path", Required: true, Aliases: []string{"key"}, Doc: "The program."},
		{Name: "state", Default: "present", Choices: []string{"absent", "present"}, Doc: "Whether the program is to have it."},
	},
	Check: modules.Full,
	Diff:  modules.NoSupport,
}, func(ctx context.Context, m *modules.Run, a *capabilitiesArgs) (*modules.Result, error) {
	t := tool{ctx, m}
	want, op, flags, err := splitCapability(a.Capability, a.State == "present")
	if err != nil {
		return nil, err
	}
	res, err := t.run("getcap", "-v", a.Path)
	if err != nil {
		return nil, err
	}
	// getcap ends with 0 for a file that is not there.
	if res.RC != 0 || res.Stderr != "" {
		return nil, modules.FailWith(map[string]any{"stdout": strings.TrimSpace(res.Stdout), "stderr": res.Stderr}, "Unable to get capabilities of %s", a.Path)
	}
	have := parseGetcap(res.Stdout, a.Path)
	i := -1
	for n, c := range have {
		if c.name == want {
			i = n
		}
	}
	data := map[string]any{"state": a.State}
	same := i >= 0 && (a.State == "absent" || have[i].op == op && sameFlags(have[i].flags, flags))
	if same == (a.State == "present") && (i >= 0) == same {
		return &modules.Result{Data: data}, nil
	}
	if i >= 0 {
		have = append(have[:i], have[i+1:]...)
	}
	if a.State == "present" {
		have = append(have, capability{want, op, flags})
	}
	var words []string
	for _, c := range have {
		words = append(words, c.name+c.op+c.flags)
	}
	changed := &modules.Result{Changed: true, Msg: "capabilities changed"}
	if m.Check {
		return changed, nil
	}
	text := strings.Join(words, " ")
	if text == "" {
		text = "-r"
	}
	if res, err = t.run("setcap", text, a.Path); err != nil {
		return nil, err
	}
	if res.RC != 0 {
		return nil, modules.FailWith(map[string]any{"stdout": res.Stdout, "stderr": res.Stderr}, "Unable to set capabilities of %s", a.Path)
	}
	data["stdout"] = res.Stdout
	changed.Data = data
	return changed, nil
})

type capability struct{ name, op, flags string }

// splitCapability reads cap_x=+ep; "=" and "=+" are the same.
func splitCapability(s string, needFlags bool) (name, op, flags string, err error) {
	s = strings.ToLower(strings.TrimSpace(s))
	i := strings.IndexAny(s, "=-+")
	if i < 0 {
		if needFlags {
			return "", "", "", modules.Failf("Couldn't find operator (one of: ('=', '-', '+'))")
		}
		return s, "", "", nil
	}
	name, op, flags = s[:i], string(s[i]), strings.TrimLeft(s[i+1:], "+=")
	if op == "+" {
		op = "="
	}
	return name, op, flags, nil
}

func sameFlags(a, b string) bool {
	return strings.Trim(a, b) == "" && strings.Trim(b, a) == ""
}

// parseGetcap reads getcap's forms: "path cap_a,cap_b=ep cap_c+i" and, of
// former days, "path = cap_a+ep".
func parseGetcap(out, path string) []capability {
	rest, ok := strings.CutPrefix(strings.TrimSpace(out), path)
	if !ok {
		return nil
	}
	var list []capability
	for w := range strings.FieldsSeq(strings.TrimPrefix(strings.TrimSpace(rest), "= ")) {
		i := strings.IndexAny(w, "=+-")
		if i < 0 {
			continue
		}
		for name := range strings.SplitSeq(w[:i], ",") {
			list = append(list, capability{name, "=", strings.TrimLeft(w[i+1:], "+=")})
		}
	}
	return list
}

package facts

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"gorun/modules"
)

// gather runs the setup module and returns its facts as JSON would carry them.
func gather(t *testing.T, args map[string]any) map[string]any {
	t.Helper()
	r := Setup.Execute(context.Background(), &modules.Run{Name: "setup"}, args)
	if r["failed"] == true {
		t.Fatalf("setup failed: %v", r["msg"])
	}
	b, err := json.Marshal(r["ansible_facts"])
	if err != nil {
		t.Fatal(err)
	}
	var facts map[string]any
	if err := json.Unmarshal(b, &facts); err != nil {
		t.Fatal(err)
	}
	if f := os.Getenv("GORUN_DUMP_FACTS"); f != "" {
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return facts
}

func TestSetupGathersAll(t *testing.T) {
	start := time.Now()
	facts := gather(t, map[string]any{})
	t.Logf("gathered %d facts in %v", len(facts), time.Since(start))
	for _, key := range []string{"ansible_hostname", "ansible_kernel", "ansible_distribution", "ansible_os_family", "ansible_env", "ansible_date_time",
		"ansible_default_ipv4", "ansible_interfaces", "ansible_memtotal_mb", "ansible_processor_vcpus", "ansible_mounts", "ansible_service_mgr",
		"ansible_pkg_mgr", "ansible_user_id", "ansible_virtualization_type", "gather_subset", "module_setup"} {
		if _, ok := facts[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
}

package cloud

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gorun/internal/needs"
)

// TestOpenstackclient runs the usual commands of Debian's
// python3-openstackclient against the simulator.
func TestOpenstackclient(t *testing.T) {
	openstack, err := exec.LookPath("openstack")
	if err != nil {
		needs.Missing(t, "openstackclient", "there is no openstack command; on Debian: apt-get install python3-openstackclient")
	}
	if testing.Short() {
		t.Skip("each command takes a second to start")
	}
	k := newCloud(t, nil)
	key := t.TempDir() + "/key.pub"
	if err := os.WriteFile(key, []byte(testKey+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "OS_AUTH_URL="+k.url+"/v3", "OS_USERNAME=demo", "OS_PASSWORD=secret", "OS_PROJECT_NAME=demo",
		"OS_USER_DOMAIN_NAME=Default", "OS_PROJECT_DOMAIN_NAME=Default", "OS_IDENTITY_API_VERSION=3", "HOME="+t.TempDir(), "LC_ALL=C.UTF-8")
	// The commands in their order; a field after the colon has to be in the
	// answer, as "Name=web".
	for _, line := range strings.Split(strings.TrimSpace(`
token issue : project_id=`+hexID("project demo")+`
catalog list : Name=nova
availability zone list : Zone Name=NL2
quota show : instances=50
flavor list : Name=m1.small
flavor show m1.small : ram=2048
image list : Name=debian-12
image show debian-12 : status=active
keypair create --public-key `+key+` mine : name=mine
keypair list : Name=mine
network create n : name=n
network list : Name=private
subnet create --network n --subnet-range 192.168.9.0/24 s : gateway_ip=192.168.9.1
port create --network n p : name=p
port list : Name=p
port delete p
security group create g : name=g
security group rule create --proto tcp --dst-port 22 g : port_range_min=22
security group rule list g : Port Range=22:22
server create --image debian-12 --flavor m1.small --key-name mine --network private --availability-zone NL2 --property a=b --wait web : status=ACTIVE
server list : Name=web
server show web : status=ACTIVE
server add security group web g
server stop web
server start web
server reboot --hard --wait web
server set --property c=d web
floating ip create --floating-ip-address 172.30.8.50 public : floating_ip_address=172.30.8.50
server add floating ip web 172.30.8.50
floating ip list : Fixed IP Address=10.9.8.11
floating ip delete 172.30.8.50
volume create --size 1 v : size=1
server add volume web v
volume list : Status=in-use
server remove volume web v
volume delete v
server resize --flavor m1.medium --wait web
server resize confirm web
console log show web
server delete --wait web
security group delete g
network delete n
keypair delete mine
`), "\n") {
		command, want, _ := strings.Cut(line, " : ")
		args := strings.Fields(command)
		if want != "" {
			args = append(args, "-f", "json")
		}
		cmd := exec.Command(openstack, args...)
		cmd.Env = env
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openstack %s: %v: %s", command, err, strings.TrimSpace(stderr.String()))
		}
		if want != "" && !hasField(t, out, want) {
			t.Errorf("openstack %s: no %s in %s", command, want, out)
		}
	}
}

// hasField says whether a JSON object, or one of a list, has the "key=value".
func hasField(t *testing.T, data []byte, want string) bool {
	t.Helper()
	if i := strings.IndexAny(string(data), "[{"); i > 0 {
		data = data[i:] // --wait prints before
	}
	var rows []map[string]any
	var one map[string]any
	if json.Unmarshal(data, &one) == nil {
		rows = append(rows, one)
	} else if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatalf("%v in %q", err, data)
	}
	key, value, _ := strings.Cut(want, "=")
	return slices.ContainsFunc(rows, func(row map[string]any) bool {
		text, err := json.Marshal(row[key])
		return err == nil && strings.Trim(string(text), `"`) == value
	})
}

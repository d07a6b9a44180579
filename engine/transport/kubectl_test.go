package transport_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/moby/spdystream"

	"gorun/engine/transport"
	"gorun/engine/transport/transporttest"
	"gorun/internal/needs"
)

// kubePath is where the pod of the tests is in the API.
const kubePath = "/api/v1/namespaces/shop/pods/web-0"

// A kubeAPI is the part of a cluster's API that `kubectl exec` uses, with one
// pod. Commands run on this machine, with a home of their own.
type kubeAPI struct {
	*httptest.Server
	ca   string // file with its certificate
	home string // of commands

	mu    sync.Mutex
	execs []url.Values // queries of exec
	auth  []string     // Authorization of each request
	argv  []string     // /proc/PID/cmdline of the clients that ran a command
}

// startKubeAPI starts one that ends with the test; kubectl has a home of its own.
func startKubeAPI(t *testing.T) *kubeAPI {
	t.Helper()
	_, err := exec.LookPath("kubectl")
	needs.Have(t, "kubectl", err == nil, "kubectl is not installed (Debian: kubernetes-client)")
	dir := t.TempDir()
	t.Setenv("HOME", dir)
	t.Setenv("KUBECONFIG", "")
	api := &kubeAPI{home: t.TempDir(), ca: filepath.Join(dir, "ca.pem")}
	mux := http.NewServeMux()
	for path, text := range map[string]string{
		"/version": `{"major":"1","minor":"20","gitVersion":"v1.20.2"}`,
		"/api":     `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":    `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
		"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[
			{"name":"pods","singularName":"","namespaced":true,"kind":"Pod","verbs":["get","list"]},
			{"name":"pods/exec","singularName":"","namespaced":true,"kind":"PodExecOptions","verbs":["create","get"]}]}`,
		"/api/v1/namespaces/shop": `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"shop"}}`,
		kubePath: `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-0","namespace":"shop"},
			"spec":{"containers":[{"name":"app"},{"name":"side"}]},"status":{"phase":"Running"}}`,
	} {
		mux.HandleFunc(path+"/{$}", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, text) })
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, text) })
	}
	mux.HandleFunc(kubePath+"/exec", api.exec)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusNotFound, fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"%s not found"}`, r.URL.Path))
	})
	api.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.mu.Lock()
		api.auth = append(api.auth, r.Header.Get("Authorization"))
		api.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	api.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	api.StartTLS()
	t.Cleanup(api.Close)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	transporttest.WriteFile(t, api.ca, string(cert), 0o644)
	return api
}

func writeJSON(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	io.WriteString(w, text)
}

// exec runs a command for a client that upgrades to SPDY/3.1 and opens a
// stream for each of stdin, stdout, stderr and error, as version 4 of the
// protocol has it (k8s.io/apimachinery: remotecommand, v4.channel.k8s.io).
func (api *kubeAPI) exec(w http.ResponseWriter, r *http.Request) {
	const protocol = "v4.channel.k8s.io"
	if !strings.EqualFold(r.Header.Get("Upgrade"), "SPDY/3.1") || !slices.Contains(r.Header.Values("X-Stream-Protocol-Version"), protocol) {
		http.Error(w, "SPDY/3.1 and "+protocol+" only", http.StatusBadRequest) // newer clients try WebSockets first
		return
	}
	query := r.URL.Query()
	api.mu.Lock()
	api.execs = append(api.execs, query)
	api.argv = append(api.argv, clientWords(r.RemoteAddr))
	api.mu.Unlock()
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "SPDY/3.1")
	w.Header().Set("X-Stream-Protocol-Version", protocol)
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	spdy, err := spdystream.NewConnection(bufferedConn{conn, buffered}, true)
	if err != nil {
		conn.Close()
		return
	}
	defer spdy.Close()
	opened := make(chan *spdystream.Stream)
	go spdy.Serve(func(s *spdystream.Stream) {
		s.SendReply(http.Header{}, false)
		opened <- s
	})
	streams := map[string]*spdystream.Stream{}
	for len(streams) < 4 {
		select {
		case s := <-opened:
			streams[s.Headers().Get("streamtype")] = s
		case <-spdy.CloseChan():
			return
		}
	}
	io.WriteString(streams["error"], api.run(query["command"], streams, spdy.CloseChan()))
	for _, s := range streams {
		s.Close()
	}
	<-spdy.CloseChan() // the client closes when it has read all
}

// A bufferedConn is a connection of which some bytes have been read already.
type bufferedConn struct {
	net.Conn
	r io.Reader
}

func (c bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// run runs a command over streams until it ends or gone says that the client
// has left, and returns the status that the stream error tells.
func (api *kubeAPI) run(argv []string, streams map[string]*spdystream.Stream, gone <-chan bool) string {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+api.home)
	cmd.Dir = api.home
	cmd.Stdout, cmd.Stderr = streams["stdout"], streams["stderr"]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Sprintf(`{"metadata":{},"status":"Failure","reason":"InternalError","message":%q}`, err)
	}
	go func() {
		io.Copy(stdin, streams["stdin"]) // it ends with the command
		stdin.Close()
	}()
	ended := make(chan struct{})
	go func() {
		select {
		case <-gone:
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		case <-ended:
		}
	}()
	err = cmd.Wait()
	close(ended)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Sprintf(`{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"%d"}]}}`, exit.ExitCode())
	}
	return `{"metadata":{},"status":"Success"}`
}

// clientWords are the arguments of all processes that hold a connection from
// address open: what anybody on the controller sees of them.
func clientWords(address string) string {
	_, port, _ := net.SplitHostPort(address)
	table, _ := os.ReadFile("/proc/net/tcp")
	inode := ""
	for line := range strings.Lines(string(table)) {
		var n uint16
		fmt.Sscan(port, &n)
		if f := strings.Fields(line); len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) {
			inode = f[9]
		}
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	var words []string
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == "socket:["+inode+"]" {
			line, _ := os.ReadFile(filepath.Join(link, "../../cmdline"))
			words = append(words, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return strings.Join(words, "\n")
}

// target reaches the pod with further variables.
func (api *kubeAPI) target(vars map[string]string) transport.Target {
	all := map[string]string{"ansible_kubectl_namespace": "shop", "ansible_kubectl_host": api.URL, "ansible_kubectl_ca_cert": api.ca}
	maps.Copy(all, vars)
	if all["ansible_kubectl_username"] == "" && all["ansible_kubectl_api_key"] == "" && all["ansible_kubectl_token"] == "" {
		all["ansible_kubectl_token"] = "s3cret-usual" // without any, kubectl asks for a name at its stdin
	}
	return transport.Target{Name: "web", Address: "web-0", Connection: "kubernetes.core.kubectl", Vars: all}
}

// TestKubectlConn runs the contract, and the agent, with the real kubectl.
func TestKubectlConn(t *testing.T) {
	api := startKubeAPI(t)
	target := api.target(map[string]string{"ansible_kubectl_container": "app"})
	transporttest.Run(t, transporttest.Factory{
		Dial: dialer(target), Dir: t.TempDir(),
		// kubectl has a word of its own to say, which Ansible shows too.
		ExitNote: func(rc int) string { return fmt.Sprintf("command terminated with exit code %d\n", rc) },
	})
	t.Run("agent", func(t *testing.T) { testHostFiles(t, newHosts(t).Host(target, transport.Become{})) })
}

// TestKubectlOptions checks what arrives of the plugin's options.
func TestKubectlOptions(t *testing.T) {
	api := startKubeAPI(t)
	config := func(name, token string) string {
		text, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Config",
			"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": api.URL, "certificate-authority": api.ca}}},
			"users":    []any{map[string]any{"name": "u", "user": map[string]any{"token": token}}},
			"contexts": []any{
				map[string]any{"name": "shop", "context": map[string]any{"cluster": "c", "user": "u", "namespace": "shop"}},
				map[string]any{"name": "none", "context": map[string]any{"cluster": "c", "user": "u", "namespace": "elsewhere"}},
			},
			"current-context": "none",
		})
		if err != nil {
			t.Fatal(err)
		}
		if name != "" {
			transporttest.WriteFile(t, name, string(text), 0o600)
		}
		return string(text)
	}
	file := filepath.Join(t.TempDir(), "config")
	config(file, "of-the-file")
	bare := func(vars map[string]string) transport.Target {
		return transport.Target{Name: "web", Address: "web-0", Connection: "kubectl", Vars: vars}
	}
	tests := []struct {
		name      string
		target    transport.Target
		env       map[string]string
		container string
		auth      string
		fails     string // part of the message of an unreachable host
	}{
		{name: "container", target: api.target(map[string]string{"ansible_kubectl_container": "side"}), container: "side", auth: "Bearer s3cret-usual"},
		{name: "the pod's name", target: func() transport.Target {
			x := api.target(map[string]string{"ansible_kubectl_pod": "web-0"})
			x.Address = "not-a-pod"
			return x
		}(), container: "app", auth: "Bearer s3cret-usual"},
		{name: "no such pod", target: api.target(map[string]string{"ansible_kubectl_pod": "web-9"}), fails: "web-9"},
		{name: "token", target: api.target(map[string]string{"ansible_kubectl_token": "s3cret-token"}), container: "app", auth: "Bearer s3cret-token"},
		{name: "token, by its other name", target: api.target(map[string]string{"ansible_kubectl_api_key": "s3cret-token"}), container: "app", auth: "Bearer s3cret-token"},
		{name: "user and password", target: api.target(map[string]string{"ansible_kubectl_username": "ann", "ansible_kubectl_password": "s3cret-word"}), container: "app", auth: "Basic YW5uOnMzY3JldC13b3Jk"},
		{name: "kubeconfig and context", target: bare(map[string]string{"ansible_kubectl_kubeconfig": file, "ansible_kubectl_context": "shop"}), container: "app", auth: "Bearer of-the-file"},
		{name: "the file's own context", target: bare(map[string]string{"ansible_kubectl_config": file}), fails: "elsewhere"},
		{name: "a token beside a kubeconfig", target: bare(map[string]string{"ansible_kubectl_kubeconfig": file, "ansible_kubectl_context": "shop", "ansible_kubectl_token": "s3cret-token"}), container: "app", auth: "Bearer s3cret-token"},
		{name: "a kubeconfig that is a mapping", target: bare(map[string]string{"ansible_kubectl_kubeconfig": config("", "s3cret-inner"), "ansible_kubectl_context": "shop"}), container: "app", auth: "Bearer s3cret-inner"},
		{name: "a mapping and a token", target: bare(map[string]string{"ansible_kubectl_kubeconfig": config("", "x"), "ansible_kubectl_context": "shop", "ansible_kubectl_token": "s3cret-token"}), container: "app", auth: "Bearer s3cret-token"},
		{name: "KUBECONFIG of local_env_vars", target: bare(map[string]string{"ansible_kubectl_local_env_vars": `{"KUBECONFIG":"` + file + `"}`, "ansible_kubectl_context": "shop"}), container: "app", auth: "Bearer of-the-file"},
		{name: "the controller's environment", target: bare(nil), container: "side", auth: "Bearer s3cret-env",
			env: map[string]string{"K8S_AUTH_KUBECONFIG": file, "K8S_AUTH_CONTEXT": "shop", "K8S_AUTH_CONTAINER": "side", "K8S_AUTH_API_KEY": "s3cret-env"}},
		{name: "no such kubeconfig", target: bare(map[string]string{"ansible_kubectl_kubeconfig": file + ".no"}), fails: file + ".no"},
		{name: "no such kubeconfig, and a token", target: bare(map[string]string{"ansible_kubectl_kubeconfig": file + ".no", "ansible_kubectl_token": "x"}), fails: file + ".no"},
		{name: "an unknown certificate", target: bare(map[string]string{"ansible_kubectl_host": api.URL, "ansible_kubectl_namespace": "shop", "ansible_kubectl_token": "x"}), fails: "certificate"},
		{name: "an unknown certificate that nobody checks", target: bare(map[string]string{"ansible_kubectl_server": api.URL, "ansible_kubectl_namespace": "shop", "ansible_kubectl_validate_certs": "no",
			"ansible_kubectl_token": "s3cret-any"}), container: "app", auth: "Bearer s3cret-any"},
		{name: "further arguments", target: api.target(map[string]string{"ansible_kubectl_extra_args": "--namespace 'no where'"}), fails: "no where"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			api.mu.Lock()
			api.execs, api.auth, api.argv = nil, nil, nil
			api.mu.Unlock()
			got, err := newHosts(t).Host(tt.target, transport.Become{}).Exec(t.Context(), "echo here", transport.ExecOptions{})
			if tt.fails != "" {
				var u *transport.UnreachableError
				if !errors.As(err, &u) || !strings.Contains(u.Msg, tt.fails) {
					t.Errorf("%v, want an unreachable host and %q", err, tt.fails)
				}
				return
			}
			if err != nil || string(got.Stdout) != "here\n" {
				t.Fatalf("%q, %q, %v", got.Stdout, got.Stderr, err)
			}
			api.mu.Lock()
			defer api.mu.Unlock()
			if len(api.execs) != 1 || api.execs[0].Get("container") != tt.container || api.execs[0].Get("tty") != "" {
				t.Errorf("exec: %v, want container %q", api.execs, tt.container)
			}
			if last := api.auth[len(api.auth)-1]; last != tt.auth {
				t.Errorf("Authorization: %q, want %q", last, tt.auth)
			}
			if words := strings.Join(api.argv, "\n"); !strings.Contains(words, "kubectl") || strings.Contains(words, "s3cret") {
				t.Errorf("kubectl's arguments: %s", words)
			}
		})
	}
}

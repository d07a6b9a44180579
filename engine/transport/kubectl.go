package transport

// This file is the connection to a pod by kubectl, with the options of the
// connection plugin kubernetes.core.kubectl
// (https://docs.ansible.com/ansible/latest/collections/kubernetes/core/kubectl_connection.html).

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorun/modules"
)

// A kubectlOption is an option of the plugin. Of its variables the last that is
// set counts, else the last of those of the controller's environment.
type kubectlOption struct {
	flag      string // of kubectl; "" where its value is no flag's
	vars, env []string
}

// kubectlFlags are the options that kubectl takes as they are.
var kubectlFlags = []kubectlOption{
	{"--namespace", []string{"ansible_kubectl_namespace"}, []string{"K8S_AUTH_NAMESPACE"}},
	{"--context", []string{"ansible_kubectl_context"}, []string{"K8S_AUTH_CONTEXT"}},
	{"--server", []string{"ansible_kubectl_host", "ansible_kubectl_server"}, []string{"K8S_AUTH_HOST", "K8S_AUTH_SERVER"}},
	{"--client-certificate", []string{"ansible_kubectl_cert_file", "ansible_kubectl_client_cert"}, []string{"K8S_AUTH_CERT_FILE"}},
	{"--client-key", []string{"ansible_kubectl_key_file", "ansible_kubectl_client_key"}, []string{"K8S_AUTH_KEY_FILE"}},
	{"--certificate-authority", []string{"ansible_kubectl_ssl_ca_cert", "ansible_kubectl_ca_cert"}, []string{"K8S_AUTH_SSL_CA_CERT"}},
}

// The other options.
var (
	kubectlPod       = kubectlOption{"", []string{"ansible_kubectl_pod"}, []string{"K8S_AUTH_POD"}}
	kubectlContainer = kubectlOption{"-c", []string{"ansible_kubectl_container"}, []string{"K8S_AUTH_CONTAINER"}}
	kubectlExtra     = kubectlOption{"", []string{"ansible_kubectl_extra_args"}, []string{"K8S_AUTH_EXTRA_ARGS"}}
	kubectlConfig    = kubectlOption{"--kubeconfig", []string{"ansible_kubectl_kubeconfig", "ansible_kubectl_config"}, []string{"K8S_AUTH_KUBECONFIG"}}
	kubectlVerify    = kubectlOption{"--insecure-skip-tls-verify", []string{"ansible_kubectl_verify_ssl", "ansible_kubectl_validate_certs"}, []string{"K8S_AUTH_VERIFY_SSL"}}
	kubectlUser      = kubectlOption{"", []string{"ansible_kubectl_username", "ansible_kubectl_user"}, []string{"K8S_AUTH_USERNAME"}}
	kubectlPassword  = kubectlOption{"", []string{"ansible_kubectl_password"}, []string{"K8S_AUTH_PASSWORD"}}
	kubectlToken     = kubectlOption{"", []string{"ansible_kubectl_token", "ansible_kubectl_api_key"}, []string{"K8S_AUTH_TOKEN", "K8S_AUTH_API_KEY"}}
	kubectlLocalEnv  = kubectlOption{"", []string{"ansible_kubectl_local_env_vars"}, nil}
)

// KubectlVars are the variables of the connection, KubectlSecrets those of
// them that nobody may see.
func KubectlVars() (all, secret []string) {
	options := append([]kubectlOption{kubectlPod, kubectlContainer, kubectlExtra, kubectlConfig, kubectlVerify, kubectlUser, kubectlLocalEnv}, kubectlFlags...)
	all = []string{"ansible_shell_executable", "ansible_kubectl_executable", "ansible_gorun_agent"}
	for _, o := range options {
		all = append(all, o.vars...)
	}
	secret = append(append(secret, kubectlPassword.vars...), kubectlToken.vars...)
	return append(all, secret...), secret
}

// of is the option's value for a target, "" where it has none.
func (o kubectlOption) of(t *Target) string {
	for _, name := range slices.Backward(o.vars) {
		if v := t.Vars[name]; v != "" {
			return v
		}
	}
	for _, name := range slices.Backward(o.env) {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// newKubectl runs commands in a pod. It runs them as the user of the container.
func newKubectl(t *Target) (Conn, error) {
	base := []string{varOr(t, "kubectl", "ansible_kubectl_executable")}
	for _, o := range kubectlFlags {
		if v := o.of(t); v != "" {
			base = append(base, o.flag, v)
		}
	}
	if v := kubectlVerify.of(t); v != "" {
		verify, err := modules.ToBool(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kubectlVerify.vars[0], err)
		}
		base = append(base, fmt.Sprintf("%s=%t", kubectlVerify.flag, !verify))
	}
	// No -t: kubectl gives a command a terminal only where it stands at one itself.
	c := &programConn{unreachable: kubectlFailed(t.Name)}
	access, err := kubectlAccess(t, c)
	if err != nil {
		c.closeFiles()
		return nil, err
	}
	extra, err := modules.ShellSplit(kubectlExtra.of(t))
	if err != nil {
		c.closeFiles()
		return nil, fmt.Errorf("%s: %w", kubectlExtra.vars[0], err)
	}
	base = append(append(base, access...), extra...)
	pod := kubectlPod.of(t)
	if pod == "" {
		pod = t.address()
	}
	base = append(base, "exec", "-i", pod)
	if v := kubectlContainer.of(t); v != "" {
		base = append(base, kubectlContainer.flag, v)
	}
	c.argv = func(cmd string, _ bool) []string {
		return append(append([]string(nil), base...), "--", "/bin/sh", "-c", cmd)
	}
	return c, nil
}

// gorunUser is the entry for a password or token in what kubectl reads as a
// kubeconfig.
const gorunUser = "gorun"

// kubectlAccess returns the flags that say which kubeconfig and which user of
// it count. A kubeconfig given as a mapping, and passwords and tokens, which
// the plugin puts into kubectl's arguments, are files in memory that c's
// programs inherit.
func kubectlAccess(t *Target, c *programConn) ([]string, error) {
	config := kubectlConfig.of(t)
	if strings.HasPrefix(config, "{") {
		path, err := c.inherit(config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kubectlConfig.vars[0], err)
		}
		config = path
	} else if config != "" {
		config = modules.ExpandPath(config, nil)
	}
	if v := kubectlLocalEnv.of(t); v != "" {
		env, err := localEnv(v)
		if err != nil {
			return nil, err
		}
		c.env = env
	}
	user := map[string]string{"username": kubectlUser.of(t), "password": kubectlPassword.of(t), "token": kubectlToken.of(t)}
	for k, v := range user {
		if v == "" {
			delete(user, k)
		}
	}
	if len(user) == 0 {
		if config == "" {
			return nil, nil
		}
		return []string{kubectlConfig.flag, config}, nil
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "users": []any{map[string]any{"name": gorunUser, "user": user}},
	})
	if err != nil {
		return nil, err
	}
	path, err := c.inherit(string(text))
	if err != nil {
		return nil, fmt.Errorf("a password or token for kubectl: %w", err)
	}
	// kubectl merges the files of KUBECONFIG, and says nothing of one that is missing.
	switch {
	case config != "":
		if _, err := os.Stat(config); err != nil {
			return nil, &UnreachableError{Msg: fmt.Sprintf("%s: %v", kubectlConfig.vars[0], err)}
		}
	case os.Getenv("KUBECONFIG") != "":
		config = os.Getenv("KUBECONFIG")
	default:
		if home, err := os.UserHomeDir(); err == nil {
			config = filepath.Join(home, ".kube", "config")
		}
	}
	c.env = append(c.env, "KUBECONFIG="+path+string(filepath.ListSeparator)+config)
	return []string{"--user", gorunUser}, nil
}

// localEnv is the environment that kubectl_local_env_vars adds, a JSON object.
func localEnv(text string) ([]string, error) {
	var vars map[string]string
	if err := json.Unmarshal([]byte(text), &vars); err != nil {
		return nil, errors.New(kubectlLocalEnv.vars[0] + " is no mapping of names and texts")
	}
	var env []string
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	return env, nil
}

// kubectlFailed knows the words with which kubectl says that it could not
// reach the pod.
func kubectlFailed(name string) func(int, string) error {
	signs := []string{"error from server", "Error from server", "unable to upgrade connection", "Unable to connect to the server:",
		"The connection to the server ", "error: You must be logged in", "error: context ", "error: auth info ", "error: stat ", "error: Get ",
		"error: dial ", "error: error loading config file", "error: invalid configuration", "Error in configuration:"}
	return func(rc int, stderr string) error {
		if rc == 0 {
			return nil
		}
		for _, sign := range signs {
			if strings.HasPrefix(stderr, sign) || strings.Contains(stderr, "\n"+sign) {
				return &UnreachableError{Msg: fmt.Sprintf("Failed to run a command in %s with kubectl: %s", name, strings.TrimSpace(stderr))}
			}
		}
		return nil
	}
}

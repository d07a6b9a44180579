package openstack

// This file defines openstack.cloud.keypair
// (https://docs.ansible.com/ansible/latest/collections/openstack/cloud/keypair_module.html).

import (
	"context"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"

	"gorun/modules"
)

type keypairArgs struct {
	cloudArgs
	Name             string `arg:"name"`
	PublicKey        string `arg:"public_key"`
	PublicKeyFile    string `arg:"public_key_file"`
	State            string `arg:"state"`
	AvailabilityZone string `arg:"availability_zone"`
}

// availabilityZone is an option that the collection documents everywhere and
// uses nowhere but for servers.
var availabilityZone = modules.Option{Name: "availability_zone", Ignored: "the API has no zone for this resource", Doc: "Zone of the resource."}

// Keypair manages keypairs.
var Keypair = modules.Define(modules.Spec{
	Name: "openstack.cloud.keypair",
	Doc:  "Add, replace and delete keypairs.",
	Options: cloudOptions(
		modules.Option{Name: "name", Required: true, Doc: "Name of the keypair."},
		modules.Option{Name: "public_key", Doc: "The public key's text. Without one the cloud makes a pair."},
		modules.Option{Name: "public_key_file", Type: modules.Path, Doc: "File with the public key."},
		modules.Option{Name: "state", Default: "present", Choices: []string{"present", "absent", "replace"}, Doc: "Whether the keypair is to be there; replace also changes its key."},
		availabilityZone,
	),
	Rules: modules.Rules{MutuallyExclusive: [][]string{{"public_key", "public_key_file"}}},
	Check: modules.Full, Diff: modules.NoSupport, ControllerOnly: true,
}, runKeypair)

func runKeypair(ctx context.Context, m *modules.Run, a *keypairArgs) (*modules.Result, error) {
	c, err := connect(ctx, m, &a.cloudArgs)
	if err != nil {
		return nil, err
	}
	compute, err := c.compute()
	if err != nil {
		return nil, err
	}
	if a.PublicKeyFile != "" {
		data, err := os.ReadFile(a.PublicKeyFile)
		if err != nil {
			return nil, modules.Failf("public_key_file: %w", err)
		}
		a.PublicKey = strings.TrimRight(string(data), " \r\n")
	}
	have, err := keypairs.Get(ctx, compute, a.Name, nil).Extract()
	if err != nil && !notFound(err) {
		return nil, apiFailure("read the keypair", err)
	}
	exists := err == nil
	if a.State == "absent" {
		return keypairAbsent(ctx, m, compute, a.Name, exists)
	}
	if exists && (a.PublicKey == "" || sameKey(have.PublicKey, a.PublicKey)) {
		return keypairResult(false, have), nil
	}
	if exists && a.State == "present" {
		return nil, modules.Failf("Key name %s present but key hash not the same as offered. Delete key first.", a.Name)
	}
	if m.Check {
		return &modules.Result{Changed: true}, nil
	}
	if exists {
		if err := keypairs.Delete(ctx, compute, a.Name, nil).ExtractErr(); err != nil {
			return nil, apiFailure("delete the keypair", err)
		}
	}
	made, err := keypairs.Create(ctx, compute, keypairs.CreateOpts{Name: a.Name, PublicKey: a.PublicKey}).Extract()
	if err != nil {
		return nil, apiFailure("create the keypair", err)
	}
	return keypairResult(true, made), nil
}

func keypairAbsent(ctx context.Context, m *modules.Run, compute *gophercloud.ServiceClient, name string, exists bool) (*modules.Result, error) {
	if exists && !m.Check {
		if err := keypairs.Delete(ctx, compute, name, nil).ExtractErr(); err != nil {
			return nil, apiFailure("delete the keypair", err)
		}
	}
	return &modules.Result{Changed: exists}, nil
}

// sameKey compares type and key of two public keys; the comment may differ.
func sameKey(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) >= 2 && len(y) >= 2 && x[0] == y[0] && x[1] == y[1]
}

func keypairResult(changed bool, k *keypairs.KeyPair) *modules.Result {
	info := map[string]any{"id": k.Name, "name": k.Name, "public_key": k.PublicKey, "fingerprint": k.Fingerprint, "private_key": nil}
	if k.PrivateKey != "" {
		info["private_key"] = k.PrivateKey
	}
	return &modules.Result{Changed: changed, Data: map[string]any{"key": info, "keypair": info, "id": k.Name}}
}

// Package openstack holds the modules that speak to OpenStack's APIs, over
// gophercloud. They run on the controller: no agent carries them.
package openstack

// This file reaches a cloud: from a module's arguments, clouds.yaml or the
// OS_* variables, in that order of preference, as openstacksdk does
// (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html).

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"gopkg.in/yaml.v3"

	"gorun/modules"
)

// cloudArgs are the options that every openstack.cloud module has.
type cloudArgs struct {
	Cloud         any            `arg:"cloud"`
	Auth          map[string]any `arg:"auth"`
	AuthType      string         `arg:"auth_type"`
	RegionName    string         `arg:"region_name"`
	ValidateCerts *bool          `arg:"validate_certs"`
	CACert        string         `arg:"ca_cert"`
	ClientCert    string         `arg:"client_cert"`
	ClientKey     string         `arg:"client_key"`
	APITimeout    int            `arg:"api_timeout"`
	Interface     string         `arg:"interface"`
	SDKLogPath    string         `arg:"sdk_log_path"`
	SDKLogLevel   string         `arg:"sdk_log_level"`
	Wait          bool           `arg:"wait"`
	Timeout       int            `arg:"timeout"`
}

// cloudOptions describes cloudArgs, before a module's own options.
func cloudOptions(own ...modules.Option) []modules.Option {
	return append(own,
		modules.Option{Name: "cloud", Type: modules.Raw, Doc: "Name of a cloud in clouds.yaml, or a dict with what would stand there."},
		modules.Option{Name: "auth", Type: modules.Dict, NoLog: true, Doc: "What the authentication needs: auth_url, username, password, project_name, domains."},
		modules.Option{Name: "auth_type", Doc: "password (default), token or v3applicationcredential."},
		modules.Option{Name: "region_name", Doc: "Name of the region."},
		modules.Option{Name: "validate_certs", Type: modules.Bool, Aliases: []string{"verify"}, Doc: "Whether the API's certificate is checked."},
		modules.Option{Name: "ca_cert", Aliases: []string{"cacert"}, Doc: "File of certificates to check against."},
		modules.Option{Name: "client_cert", Aliases: []string{"cert"}, Doc: "File of a client certificate."},
		modules.Option{Name: "client_key", Aliases: []string{"key"}, NoLog: true, Doc: "File of the client certificate's key."},
		modules.Option{Name: "api_timeout", Type: modules.Int, Doc: "Seconds that one API call may take."},
		modules.Option{Name: "interface", Default: "public", Choices: []string{"admin", "internal", "public"}, Aliases: []string{"endpoint_type"}, Doc: "Which endpoint of the catalog is used."},
		modules.Option{Name: "sdk_log_path", Ignored: "there is no SDK that logs", Doc: "File for the SDK's log."},
		modules.Option{Name: "sdk_log_level", Default: "INFO", Choices: []string{"INFO", "DEBUG"}, Ignored: "there is no SDK that logs", Doc: "Level of the SDK's log."},
		modules.Option{Name: "wait", Type: modules.Bool, Default: true, Doc: "Whether to wait until the resource is ready."},
		modules.Option{Name: "timeout", Type: modules.Int, Default: 180, Doc: "Seconds to wait at most."},
	)
}

// A cloud is an authenticated connection.
type cloud struct {
	provider *gophercloud.ProviderClient
	endpoint gophercloud.EndpointOpts
}

// connect authenticates with what the arguments say.
func connect(ctx context.Context, m *modules.Run, a *cloudArgs) (*cloud, error) {
	auth, eo, tlsConfig, err := a.resolve(m)
	if err != nil {
		return nil, err
	}
	return authenticate(ctx, auth, eo, tlsConfig, time.Duration(a.APITimeout)*time.Second)
}

func authenticate(ctx context.Context, auth gophercloud.AuthOptions, eo gophercloud.EndpointOpts, tlsConfig *tls.Config, timeout time.Duration) (*cloud, error) {
	auth.AllowReauth = true
	client := http.Client{Timeout: timeout, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: tlsConfig, IdleConnTimeout: 90 * time.Second,
	}}
	provider, err := config.NewProviderClient(ctx, auth, config.WithHTTPClient(client))
	if err != nil {
		return nil, apiFailure("authenticate at "+auth.IdentityEndpoint, err)
	}
	return &cloud{provider: provider, endpoint: eo}, nil
}

// resolve finds the credentials.
func (a *cloudArgs) resolve(m *modules.Run) (gophercloud.AuthOptions, gophercloud.EndpointOpts, *tls.Config, error) {
	getenv := func(name string) string {
		if v, ok := m.Env[name]; ok {
			return v
		}
		return os.Getenv(name)
	}
	var opts []clouds.ParseOption
	switch c := a.Cloud.(type) {
	case nil:
		if len(a.Auth) > 0 || getenv("OS_CLOUD") == "" {
			return a.direct(getenv)
		}
		opts = append(opts, clouds.WithCloudName(getenv("OS_CLOUD")))
	case string:
		opts = append(opts, clouds.WithCloudName(c))
	case map[string]any:
		data, err := yaml.Marshal(map[string]any{"clouds": map[string]any{"inline": c}})
		if err != nil {
			return gophercloud.AuthOptions{}, gophercloud.EndpointOpts{}, nil, modules.Failf("cloud: %w", err)
		}
		opts = append(opts, clouds.WithCloudName("inline"), clouds.WithCloudsYAML(bytes.NewReader(data)))
	default:
		return gophercloud.AuthOptions{}, gophercloud.EndpointOpts{}, nil, modules.Failf("cloud: expected a name or a dict, got %T", c)
	}
	opts = append(opts, a.overrides()...)
	auth, eo, tlsConfig, err := clouds.Parse(opts...)
	if err != nil {
		return auth, eo, nil, modules.Failf("Could not read the cloud's configuration: %w", err)
	}
	return auth, eo, tlsConfig, nil
}

// overrides are the arguments that win over clouds.yaml.
func (a *cloudArgs) overrides() []clouds.ParseOption {
	var opts []clouds.ParseOption
	add := func(key string, with func(string) clouds.ParseOption) {
		if v, ok := a.Auth[key].(string); ok && v != "" {
			opts = append(opts, with(v))
		}
	}
	add("auth_url", clouds.WithIdentityEndpoint)
	add("username", clouds.WithUsername)
	add("password", clouds.WithPassword)
	add("project_name", clouds.WithProjectName)
	add("project_id", clouds.WithProjectID)
	add("token", clouds.WithToken)
	if a.RegionName != "" {
		opts = append(opts, clouds.WithRegion(a.RegionName))
	}
	if a.CACert != "" {
		opts = append(opts, clouds.WithCACertPath(a.CACert))
	}
	if a.ClientCert != "" {
		opts = append(opts, clouds.WithClientCertPath(a.ClientCert), clouds.WithClientKeyPath(a.ClientKey))
	}
	if a.ValidateCerts != nil {
		opts = append(opts, clouds.WithInsecure(!*a.ValidateCerts))
	}
	return append(opts, clouds.WithEndpointType(a.Interface))
}

// direct takes the credentials from auth:, and from OS_* what it leaves out.
func (a *cloudArgs) direct(getenv func(string) string) (gophercloud.AuthOptions, gophercloud.EndpointOpts, *tls.Config, error) {
	get := func(keys ...string) string {
		for _, k := range keys {
			if v, ok := a.Auth[k]; ok && v != nil && fmt.Sprint(v) != "" {
				return fmt.Sprint(v)
			}
		}
		if len(a.Auth) > 0 && !strings.HasSuffix(keys[0], "domain_name") && !strings.HasSuffix(keys[0], "domain_id") && keys[0] != "auth_url" && keys[0] != "password" {
			return ""
		}
		for _, k := range keys {
			if v := getenv("OS_" + strings.ToUpper(k)); v != "" {
				return v
			}
		}
		return ""
	}
	auth := gophercloud.AuthOptions{
		IdentityEndpoint: get("auth_url"), Username: get("username"), UserID: get("user_id"), Password: get("password"),
		TenantID: get("project_id", "tenant_id"), TenantName: get("project_name", "tenant_name"),
		TokenID:                     get("token"),
		ApplicationCredentialID:     get("application_credential_id"),
		ApplicationCredentialName:   get("application_credential_name"),
		ApplicationCredentialSecret: get("application_credential_secret"),
	}
	if auth.IdentityEndpoint == "" {
		return auth, gophercloud.EndpointOpts{}, nil, modules.Failf("Auth plugin requires parameters which were not given: auth_url")
	}
	auth.DomainName, auth.DomainID = get("user_domain_name", "domain_name"), get("user_domain_id", "domain_id")
	if v3 := !strings.HasSuffix(strings.TrimRight(auth.IdentityEndpoint, "/"), "/v2.0"); v3 && auth.ApplicationCredentialID == "" && auth.TokenID == "" {
		if auth.DomainName == "" && auth.DomainID == "" && auth.UserID == "" {
			auth.DomainID = "default"
		}
		if auth.TenantName != "" && auth.TenantID == "" {
			auth.Scope = &gophercloud.AuthScope{ProjectName: auth.TenantName,
				DomainName: get("project_domain_name"), DomainID: get("project_domain_id")}
			if auth.Scope.DomainName == "" && auth.Scope.DomainID == "" {
				auth.Scope.DomainName, auth.Scope.DomainID = auth.DomainName, auth.DomainID
			}
		}
	} else if !v3 {
		auth.DomainName, auth.DomainID = "", ""
	}
	eo := gophercloud.EndpointOpts{Region: a.RegionName, Availability: gophercloud.Availability(a.Interface)}
	if eo.Region == "" {
		eo.Region = getenv("OS_REGION_NAME")
	}
	verify := a.ValidateCerts == nil || *a.ValidateCerts
	if insecure, err := strconv.ParseBool(getenv("OS_INSECURE")); err == nil && insecure && a.ValidateCerts == nil {
		verify = false
	}
	ca := a.CACert
	if ca == "" {
		ca = getenv("OS_CACERT")
	}
	tlsConfig, err := newTLSConfig(verify, ca, a.ClientCert, a.ClientKey)
	return auth, eo, tlsConfig, err
}

func newTLSConfig(verify bool, ca, cert, key string) (*tls.Config, error) {
	c := &tls.Config{InsecureSkipVerify: !verify, MinVersion: tls.VersionTLS12} //nolint:gosec // validate_certs: no asks for it
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, modules.Failf("ca_cert: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, modules.Failf("ca_cert: %s holds no certificate", ca)
		}
	}
	if cert != "" {
		if key == "" {
			key = cert
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, modules.Failf("client_cert: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func (c *cloud) compute() (*gophercloud.ServiceClient, error) {
	s, err := openstack.NewComputeV2(c.provider, c.endpoint)
	if err != nil {
		return nil, apiFailure("find the compute service", err)
	}
	return s, nil
}

func (c *cloud) network() (*gophercloud.ServiceClient, error) {
	s, err := openstack.NewNetworkV2(c.provider, c.endpoint)
	if err != nil {
		return nil, apiFailure("find the network service", err)
	}
	return s, nil
}

func (c *cloud) image() (*gophercloud.ServiceClient, error) {
	s, err := openstack.NewImageV2(c.provider, c.endpoint)
	if err != nil {
		return nil, apiFailure("find the image service", err)
	}
	return s, nil
}

func (c *cloud) volume() (*gophercloud.ServiceClient, error) {
	s, err := openstack.NewBlockStorageV3(c.provider, c.endpoint)
	if err != nil {
		return nil, apiFailure("find the volume service", err)
	}
	return s, nil
}

// apiFailure says what could not be done, with the API's own words.
func apiFailure(what string, err error) *modules.Failure {
	var code gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &code) {
		return modules.FailWith(map[string]any{"status": code.Actual},
			"Could not %s: HTTP %d: %s", what, code.Actual, strings.TrimSpace(string(code.Body)))
	}
	return modules.Failf("Could not %s: %w", what, err)
}

// notFound reports whether err is the API's 404.
func notFound(err error) bool { return gophercloud.ResponseCodeIs(err, http.StatusNotFound) }

// poll calls done every interval until it says true, fails, or the time is over.
func poll(ctx context.Context, timeout, interval time.Duration, done func(context.Context) (bool, error)) (inTime bool, err error) {
	deadline := time.Now().Add(timeout)
	for {
		ok, err := done(ctx)
		if ok || err != nil {
			return ok, err
		}
		if time.Now().After(deadline) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(interval):
		}
	}
}

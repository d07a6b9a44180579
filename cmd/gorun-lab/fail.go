package main

// This file is gorun-lab fail.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/cmd/gorun-lab/internal/cloud"
	"gorun/cmd/gorun-lab/internal/daemon"
)

func failCommand() *cli.Command {
	return &cli.Command{
		Name:      "fail",
		Usage:     "make the cloud's API fail",
		ArgsUsage: "[STATUS]",
		Description: "gorun-lab fail --service compute --count 2 503   the next two requests to Nova answer 503\n" +
			"gorun-lab fail --path '/servers$' --method POST --retry-after 3 429\n" +
			"gorun-lab fail --delay 5s                        every request takes five seconds longer\n" +
			"Flags come before the status. Metadata " + cloud.FaultKey + "=error makes one server end in ERROR, " +
			cloud.BuildKey + "=10s makes its build slow.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "service", Usage: "identity, compute, network, image or volumev3 (default: any)"},
			&cli.StringFlag{Name: "method", Usage: "the HTTP method (default: any)"},
			&cli.StringFlag{Name: "path", Usage: "a regular expression found in the path (default: any)"},
			&cli.IntFlag{Name: "count", Usage: "how many requests fail (default: all)"},
			&cli.IntFlag{Name: "retry-after", Usage: "the answer's Retry-After, in `SECONDS`"},
			&cli.StringFlag{Name: "delay", Usage: "how long a request waits first, as 2s"},
			&cli.StringFlag{Name: "message", Usage: "the error's text"},
			&cli.BoolFlag{Name: "expire-tokens", Usage: "make all tokens expire now"},
			&cli.BoolFlag{Name: "clear", Usage: "let nothing fail any more"},
			&cli.BoolFlag{Name: "list", Usage: "show what fails"},
		},
		Action: func(c *cli.Context) error {
			cfg, err := daemon.Load(c.String("name"))
			if err != nil {
				return err
			}
			control := strings.TrimSuffix(cfg.AuthURL(), "v3") + "lab"
			switch {
			case c.Bool("clear"):
				return callControl(c.Context, "DELETE", control+"/faults", nil)
			case c.Bool("expire-tokens"):
				return callControl(c.Context, "POST", control+"/expire", nil)
			case c.Bool("list"):
				return callControl(c.Context, "GET", control+"/faults", nil)
			}
			fault, err := faultFrom(c)
			if err != nil {
				return err
			}
			return callControl(c.Context, "POST", control+"/faults", fault)
		},
	}
}

func faultFrom(c *cli.Context) (*cloud.Fault, error) {
	f := &cloud.Fault{
		Service: c.String("service"), Method: strings.ToUpper(c.String("method")), Path: c.String("path"), Count: c.Int("count"),
		RetryAfter: c.Int("retry-after"), Delay: c.String("delay"), Message: c.String("message"),
	}
	if c.NArg() > 1 {
		return nil, fmt.Errorf("fail takes one status, got %q", c.Args().Slice())
	}
	if c.NArg() == 1 {
		n, err := strconv.Atoi(c.Args().First())
		if err != nil {
			return nil, fmt.Errorf("%q is no HTTP status", c.Args().First())
		}
		f.Status = n
	}
	return f, nil
}

// callControl does one request to the cloud's control endpoint and prints what it
// answers.
func callControl(ctx context.Context, method, url string, body any) error {
	var data bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&data).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, &data)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return daemon.ErrNoDaemon
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		var e struct{ Error struct{ Message string } }
		if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
			return errors.New(resp.Status)
		}
		return errors.New(e.Error.Message)
	}
	answer, err := io.ReadAll(resp.Body)
	if err == nil && len(answer) > 0 {
		fmt.Printf("%s\n", answer)
	}
	return err
}

package agent

// This file is the agent as a program.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gorun/modules/registry"
)

// Main is the agent's main function; its result is the exit code. The program
// that calls it was started with the arguments "__agent" and what it is to do:
// serve (the default), job (an async job), or check (end at once: the file can
// be executed).
func Main() int {
	mode := "serve"
	if len(os.Args) > 2 {
		mode = os.Args[2]
	}
	var err error
	switch mode {
	case "serve":
		err = serveStdio()
	case "job":
		catch(syscall.SIGHUP, syscall.SIGPIPE)
		err = job(registry.Lookup)
	case "check":
	default:
		err = fmt.Errorf("unknown mode %q", mode)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "gorun agent:", err)
		return 1
	}
	return 0
}

func serveStdio() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	catch(syscall.SIGPIPE)
	in, out := os.Stdin, os.Stdout
	// Whatever a library prints must not get between the frames.
	os.Stdout = os.Stderr
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	os.Stdin = null
	widen(in, out)
	tidied := make(chan struct{})
	go func() {
		defer close(tidied)
		tidyCache(time.Now())
	}()
	err = Serve(ctx, in, out, registry.Lookup)
	<-tidied
	return err
}

// catch takes signals and does nothing. They are not ignored: an ignored
// signal would be ignored in the programs that modules start too.
func catch(signals ...os.Signal) { signal.Notify(make(chan os.Signal, 1), signals...) }

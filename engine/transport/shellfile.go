package transport

// This file copies files by commands that every host has: no agent is needed.

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
)

// putByShell writes size bytes of r to path: beside it first, then renamed.
func putByShell(ctx context.Context, conn Conn, r io.Reader, size int64, path string, perm uint32) error {
	tmp := path + ".gorun-" + newNonce()[:8]
	script := fmt.Sprintf("umask 077; cat >%[1]s && [ $(wc -c <%[1]s) -eq %[2]d ] && chmod %04[3]o %[1]s && mv -f %[1]s %[4]s || { rm -f %[1]s; exit 1; }",
		quote(tmp), size, perm, quote(path))
	p, err := conn.Start(ctx, "/bin/sh -c "+quote(script), StartOptions{})
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		n, err := io.Copy(p.Stdin(), contextReader{ctx, io.LimitReader(r, size)})
		p.Stdin().Close()
		if err == nil && n != size {
			err = fmt.Errorf("only %d of %d bytes could be read", n, size)
		}
		sent <- err
	}()
	said, rc, err := finish(p)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if rc != 0 {
		select {
		case err := <-sent:
			if err != nil && said == "" {
				return fmt.Errorf("could not send %s: %w", path, err)
			}
		default: // the command ended before it read all
		}
		return fmt.Errorf("could not write %s: %s", path, firstWords(said, "exit code", rc))
	}
	return <-sent
}

// getByShell copies path to w.
func getByShell(ctx context.Context, conn Conn, path string, w io.Writer) error {
	p, err := conn.Start(ctx, "/bin/sh -c "+quote("exec cat <"+quote(path)), StartOptions{})
	if err != nil {
		return err
	}
	p.Stdin().Close()
	errText := make(chan string, 1)
	go func() {
		var t tail
		io.Copy(&t, p.Stderr()) // what came before a break is what there is
		errText <- t.String()
	}()
	_, copyErr := io.Copy(w, p.Stdout())
	if copyErr != nil {
		p.Kill()
	}
	said := <-errText
	rc, err := p.Wait()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case copyErr != nil:
		return copyErr
	case rc != 0:
		return fmt.Errorf("could not read %s: %s", path, firstWords(said, "exit code", rc))
	}
	return nil
}

// finish reads a process to its end: what it said on stderr, and its exit code.
func finish(p Process) (said string, rc int, err error) {
	done := make(chan struct{})
	go func() {
		io.Copy(io.Discard, p.Stdout()) // it says nothing there
		close(done)
	}()
	var t tail
	io.Copy(&t, p.Stderr()) // as above
	<-done
	rc, err = p.Wait()
	return t.String(), rc, err
}

// firstWords is text, or the fallback where it is empty.
func firstWords(text string, fallback ...any) string {
	if text = strings.TrimSpace(text); text != "" {
		return text
	}
	var b bytes.Buffer
	fmt.Fprint(&b, strings.TrimSpace(fmt.Sprintln(fallback...)))
	return b.String()
}

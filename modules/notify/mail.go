package notify

// This file is the mail module.

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorun/modules"
	"gorun/modules/oserr"
)

type mailArgs struct {
	Username        string       `arg:"username"`
	Password        string       `arg:"password"`
	Host            string       `arg:"host"`
	Port            int          `arg:"port"`
	EHLOHost        string       `arg:"ehlohost"`
	Sender          string       `arg:"sender"`
	To              []string     `arg:"to"`
	CC              []string     `arg:"cc"`
	BCC             []string     `arg:"bcc"`
	Subject         string       `arg:"subject"`
	Body            string       `arg:"body"`
	Attach          []string     `arg:"attach"`
	Inline          []mailInline `arg:"inline"`
	Headers         []string     `arg:"headers"`
	Charset         string       `arg:"charset"`
	Subtype         string       `arg:"subtype"`
	Secure          string       `arg:"secure"`
	Timeout         int          `arg:"timeout"`
	MessageIDDomain string       `arg:"message_id_domain"`
}

type mailInline struct {
	Path     string `arg:"path"`
	CID      string `arg:"cid"`
	MimeType string `arg:"mime_type"`
}

// Mail is community.general.mail
// (https://docs.ansible.com/ansible/latest/collections/community/general/mail_module.html).
var Mail = modules.Define(modules.Spec{
	Name: "community.general.mail",
	Doc:  "Sends an email through an SMTP server.",
	Options: []modules.Option{
		{Name: "username", Doc: "The user to log in to the server."},
		{Name: "password", NoLog: true, Doc: "The user's password."},
		{Name: "host", Default: "localhost", Doc: "The server."},
		{Name: "port", Type: modules.Int, Default: 25, Doc: "The server's port."},
		{Name: "ehlohost", Doc: "The name that the host gives the server; its own where not given."},
		{Name: "sender", Default: "root", Aliases: []string{"from"}, Doc: "The sender's address, with a name perhaps."},
		{Name: "to", Type: modules.List, Elements: modules.Str, Default: []any{"root"}, Aliases: []string{"recipients"}, Doc: "The receivers' addresses."},
		{Name: "cc", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Who gets a copy."},
		{Name: "bcc", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Who gets a copy that nobody sees."},
		{Name: "subject", Required: true, Aliases: []string{"msg"}, Doc: "The subject."},
		{Name: "body", Doc: "The text; the subject where there is none."},
		{Name: "attach", Type: modules.List, Elements: modules.Path, Default: []any{}, Doc: "Files on the host to be attached."},
		{Name: "inline", Type: modules.List, Elements: modules.Dict, Default: []any{}, Doc: "Pictures that an HTML text shows.", Options: []modules.Option{
			{Name: "path", Type: modules.Path, Required: true, Doc: "The file."},
			{Name: "cid", Required: true, Doc: "The name by which the text has it: cid:NAME."},
			{Name: "mime_type", Doc: "Its type; by the file's name where not given."},
		}},
		{Name: "headers", Type: modules.List, Elements: modules.Str, Default: []any{}, Doc: "Further headers, NAME=VALUE each."},
		{Name: "charset", Default: "utf-8", Doc: "The character set: utf-8, us-ascii, iso-8859-1, iso-8859-15 or windows-1252."},
		{Name: "subtype", Default: "plain", Choices: []string{"html", "plain"}, Doc: "Whether the text is HTML."},
		{Name: "secure", Default: "try", Choices: []string{"always", "never", "starttls", "try"},
			Doc: "Whether the connection is encrypted: from its start, by STARTTLS, not at all, or as the server can. Certificates are not verified, as in Ansible."},
		{Name: "timeout", Type: modules.Int, Default: 20, Doc: "For how many seconds the server may stay silent."},
		{Name: "message_id_domain", Default: "ansible", Doc: "The domain in the header Message-ID."},
	},
	Rules: modules.Rules{RequiredTogether: [][]string{{"password", "username"}}},
	Check: modules.NoSupport,
	Diff:  modules.NoSupport,
}, runMail)

// mailFail is a failure with the key that the module has always had.
func mailFail(format string, args ...any) error {
	return modules.FailWith(map[string]any{"rc": 1}, format, args...)
}

func runMail(ctx context.Context, m *modules.Run, a *mailArgs) (*modules.Result, error) {
	msg, err := newMessage(m, a)
	if err != nil {
		return nil, err
	}
	c, err := openMail(ctx, a)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if a.Username != "" && a.Password != "" {
		if err := logIn(c, a); err != nil {
			return nil, err
		}
		if !c.secure {
			m.Warn("Username and Password was sent without encryption")
		}
	}
	refused, err := c.send(msg.from, msg.receivers, msg.text)
	if err != nil {
		return nil, mailFail("Failed to send mail to '%s': %s", strings.Join(msg.receivers, ", "), smtpText(err))
	}
	c.command("QUIT") // what it answers changes nothing any more
	result := map[string]any{}
	text := "Mail sent successfully"
	for _, r := range refused {
		m.Warn("Failed to send mail to '%s': %d b%s", r.address, r.reply.code, oserr.Quote(r.reply.text, true))
		result[r.address] = []any{r.reply.code, r.reply.text}
		text = "Failed to send mail to at least one recipient"
	}
	return &modules.Result{Msg: text, Data: map[string]any{"result": result}}, nil
}

// openMail connects, greets, and brings encryption up as far as the task and
// the server want it.
func openMail(ctx context.Context, a *mailArgs) (*smtpClient, error) {
	place := a.Host + ":" + strconv.Itoa(a.Port)
	limit := time.Duration(a.Timeout) * time.Second
	var c *smtpClient
	var err error
	if a.Secure != "never" {
		c, err = dialSMTP(ctx, place, a.Host, limit, true)
		var header tls.RecordHeaderError
		switch {
		case err == nil:
		case a.Secure == "always" && errors.As(err, &header):
			return nil, mailFail("Unable to start an encrypted session to %s: the server does not speak TLS on this port", place)
		case a.Secure == "always":
			return nil, mailFail("Unable to start an encrypted session to %s: %s", place, smtpText(err))
		}
	}
	if c == nil {
		if c, err = dialSMTP(ctx, place, a.Host, limit, false); err != nil {
			return nil, mailFail("Unable to Connect %s: %s", place, smtpText(err))
		}
	}
	c.name = a.EHLOHost
	if c.name == "" {
		c.name = ownName()
	}
	if err = c.hello(); err != nil {
		err = mailFail("Helo failed for host %s: %s", place, smtpText(err))
	} else if !c.secure && (a.Secure == "starttls" || a.Secure == "try") {
		err = startTLS(c, a, place)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func startTLS(c *smtpClient, a *mailArgs, place string) error {
	if !c.has("starttls") {
		if a.Secure == "starttls" {
			return mailFail("StartTLS is not offered on server %s", place)
		}
		return nil
	}
	if err := c.startTLS(a.Host); err != nil {
		return mailFail("Unable to start an encrypted session to %s: %s", place, smtpText(err))
	}
	if err := c.hello(); err != nil {
		return mailFail("Helo failed for host %s: %s", place, smtpText(err))
	}
	return nil
}

func logIn(c *smtpClient, a *mailArgs) error {
	place := a.Host + ":" + strconv.Itoa(a.Port)
	if !c.has("auth") {
		return mailFail("No Authentication on the server at %s", place)
	}
	err := c.logIn(a.Username, a.Password)
	var refused *smtpReply
	switch {
	case errors.As(err, &refused):
		return mailFail("Authentication to %s failed, please check your username and/or password", place)
	case err != nil:
		return mailFail("No Suitable authentication method was found on %s", place)
	}
	return nil
}

// smtpText shows an error as Python's smtplib does.
func smtpText(err error) string {
	var all allRefused
	var reply *smtpReply
	switch {
	case errors.As(err, &all):
		parts := make([]string, len(all))
		for i, r := range all {
			parts[i] = fmt.Sprintf("%s: %s", oserr.Quote(r.address, false), smtpText(r.reply))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case errors.As(err, &reply):
		out := fmt.Sprintf("(%d, b%s", reply.code, oserr.Quote(reply.text, true))
		if reply.sender != "" {
			out += ", " + oserr.Quote(reply.sender, false)
		}
		return out + ")"
	case errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	}
	var late interface{ Timeout() bool }
	if errors.As(err, &late) && late.Timeout() {
		return "timed out"
	}
	return oserr.Str(err)
}

// unique keeps the first of what is there more than once.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

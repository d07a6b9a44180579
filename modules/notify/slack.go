// Package notify has the modules that tell people of something: mail and chat.
package notify

// This file is the slack module.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gorun/modules"
	"gorun/modules/net"
)

type slackArgs struct {
	Domain          string           `arg:"domain"`
	Token           string           `arg:"token"`
	Msg             *string          `arg:"msg"`
	Channel         *string          `arg:"channel"`
	ThreadID        *string          `arg:"thread_id"`
	ReplyBroadcast  bool             `arg:"reply_broadcast"`
	Username        string           `arg:"username"`
	IconURL         string           `arg:"icon_url"`
	IconEmoji       *string          `arg:"icon_emoji"`
	LinkNames       int              `arg:"link_names"`
	Parse           *string          `arg:"parse"`
	ValidateCerts   bool             `arg:"validate_certs"`
	Color           string           `arg:"color"`
	Attachments     []map[string]any `arg:"attachments"`
	Blocks          []map[string]any `arg:"blocks"`
	MessageID       *string          `arg:"message_id"`
	PrependHash     string           `arg:"prepend_hash"`
	FailOnFileError bool             `arg:"fail_on_file_error"`
	Files           []slackFile      `arg:"files"`
}

type slackFile struct {
	Path string `arg:"path"`
	Name string `arg:"name"`
}

// Slack is community.general.slack
// (https://docs.ansible.com/ansible/latest/collections/community/general/slack_module.html).
var Slack = modules.Define(modules.Spec{
	Name: "community.general.slack",
	Doc:  "Sends a message to Slack, by a webhook or by Slack's API.",
	Options: []modules.Option{
		{Name: "domain", Doc: "Slack's domain: slack.com, or slack-gov.com; anything else is taken for slack.com."},
		{Name: "token", Required: true, NoLog: true, Doc: "A webhook's token (T.../B.../...), or an API token (xoxb-, xoxp-, xoxa-)."},
		{Name: "msg", Doc: "The text; Slack wants &, < and > in it escaped."},
		{Name: "channel", Doc: "The channel or person; without it the webhook's own."},
		{Name: "thread_id", Doc: "The message to answer, by its time stamp."},
		{Name: "reply_broadcast", Type: modules.Bool, Default: false, Doc: "Shows an answer in the channel too."},
		{Name: "username", Default: "Ansible", Doc: "The name of the sender."},
		{Name: "icon_url", Default: "https://docs.ansible.com/favicon/favicon.ico", Doc: "The sender's picture."},
		{Name: "icon_emoji", Doc: "An emoji in place of the picture."},
		{Name: "link_names", Type: modules.Int, Default: 1, Choices: []string{"0", "1"}, Doc: "Makes links of channels and names in the text."},
		{Name: "parse", Choices: []string{"none", "full"}, Doc: "How Slack reads the text."},
		{Name: "validate_certs", Type: modules.Bool, Default: true, Doc: "Verifies the server's certificate."},
		{Name: "color", Default: "normal", Doc: "The bar beside the text: normal, good, warning, danger, or a colour like #3aa3e3."},
		{Name: "attachments", Type: modules.List, Elements: modules.Dict, Doc: "Attachments in Slack's form."},
		{Name: "blocks", Type: modules.List, Elements: modules.Dict, Doc: "Blocks in Slack's form."},
		{Name: "message_id", Doc: "The message to change, by its time stamp; its channel is named by its id."},
		{Name: "prepend_hash", Default: "never", Choices: []string{"always", "never", "auto"}, Doc: "Whether a # goes before the channel's name."},
		{Name: "fail_on_file_error", Type: modules.Bool, Default: true, Doc: "Fails where a file to be sent is not there; else it is left out with a warning."},
		{Name: "files", Type: modules.List, Elements: modules.Dict, Doc: "Files on the host to be sent; needs an API token.", Options: []modules.Option{
			{Name: "path", Type: modules.Path, Required: true, Doc: "The file."},
			{Name: "name", Doc: "Its name in Slack."},
		}},
	},
	Diff: modules.NoSupport,
}, runSlack)

// A slackRun is one run of the module.
type slackRun struct {
	ctx    context.Context
	m      *modules.Run
	a      *slackArgs
	domain string
}

var (
	webhookToken = regexp.MustCompile(`^T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+\n?$`)
	apiToken     = regexp.MustCompile(`^xox[bpa]-`)
	hexColour    = regexp.MustCompile(`^#([A-Fa-f0-9]{6}|[A-Fa-f0-9]{3})\n?$`)
)

func runSlack(ctx context.Context, m *modules.Run, a *slackArgs) (*modules.Result, error) {
	if !webhookToken.MatchString(a.Token) && !apiToken.MatchString(a.Token) {
		return nil, modules.Failf("The token provided is not a valid Slack token. " +
			"Webhooks should look like T.../B.../X... and API tokens should start with xoxb-, xoxp-, or xoxa-.")
	}
	if named := []string{"normal", "good", "warning", "danger"}; !slices.Contains(named, a.Color) && !hexColour.MatchString(a.Color) {
		return nil, modules.Failf("Color value specified should be either one of %s or any valid hex value with length 3 or 6.", modules.PyRepr(named))
	}
	r := &slackRun{ctx: ctx, m: m, a: a, domain: "slack.com"}
	if a.Domain == "slack-gov.com" {
		r.domain = a.Domain
	}
	if a.MessageID != nil {
		old, err := r.message()
		if err != nil {
			return nil, err
		}
		if changed := r.differs(old); m.Check || !changed {
			return &modules.Result{Changed: changed, Data: map[string]any{"ts": old["ts"], "channel": old["channel"]}}, nil
		}
	}
	if m.Check {
		return &modules.Result{Changed: true}, nil
	}
	return r.send()
}

// send posts the message and the files.
func (r *slackRun) send() (*modules.Result, error) {
	a := r.a
	content := a.Msg != nil && *a.Msg != "" || len(a.Attachments) > 0 || len(a.Blocks) > 0
	answer, payload := map[string]any{}, ""
	webhook := false
	if content {
		p, err := r.payload()
		if err != nil {
			return nil, err
		}
		payload = p.text()
		if webhook = strings.Count(a.Token, "/") >= 2; webhook {
			err = r.postWebhook(payload)
		} else {
			answer, err = r.postMessage(payload)
		}
		if err != nil {
			return nil, err
		}
	}
	ok := !content || webhook || answer["ok"] == true
	var files map[string]any
	if len(a.Files) > 0 && ok {
		var err error
		if files, err = r.upload(answer); err != nil {
			return nil, err
		}
		ok = content || files["ok"] == true
	}
	if !ok {
		reason := answer["error"]
		if reason == nil {
			reason = "Unknown error"
			if files != nil {
				reason = files["msg"]
			}
		}
		return nil, modules.FailWith(map[string]any{"error": reason}, "Slack operation failed")
	}
	if webhook && len(a.Files) == 0 {
		return &modules.Result{Changed: true, Msg: "OK"}, nil
	}
	out := map[string]any{"api": map[string]any{"status": "files_only_upload"}, "payload": nil}
	if content {
		out["api"], out["payload"] = answer, payload
		if webhook {
			out["api"] = map[string]any{"webhook": "ok"}
		}
	}
	if files != nil {
		out["files_upload"] = files
	}
	if answer["ts"] != nil {
		out["ts"], out["channel"] = answer["ts"], answer["channel"]
	} else if files["files"] != nil {
		out["channel"] = a.Channel
	}
	return &modules.Result{Changed: true, Data: out}, nil
}

// A payload is a message as Slack takes it, in the order in which it is written.
type payload []struct {
	key   string
	value any
}

func (p *payload) add(key string, value any) {
	*p = append(*p, struct {
		key   string
		value any
	}{key, value})
}

func (p *payload) text() string {
	parts := make([]string, len(*p))
	for i, f := range *p {
		parts[i] = modules.JSONText(f.key) + ": " + modules.JSONText(f.value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// payload makes the message.
func (r *slackRun) payload() (*payload, error) {
	a, p := r.a, new(payload)
	var attachments []any
	if a.Msg != nil {
		if a.Color == "normal" {
			p.add("text", *a.Msg)
		} else {
			// Only an attachment has a colour.
			attachments = append(attachments, map[string]any{"text": *a.Msg, "color": a.Color, "mrkdwn_in": []any{"text"}})
		}
	}
	for _, one := range a.Attachments {
		if _, ok := one["fallback"]; !ok {
			text, ok := one["text"]
			if !ok {
				return nil, modules.Failf("attachments: each needs a text or a fallback")
			}
			one["fallback"] = text
		}
		attachments = append(attachments, one)
	}
	if attachments != nil {
		p.add("attachments", attachments)
	}
	optional := func(key string, value *string) {
		if value != nil {
			p.add(key, *value)
		}
	}
	if a.Channel != nil {
		p.add("channel", r.channel())
	}
	optional("thread_ts", a.ThreadID)
	if a.ThreadID != nil && a.ReplyBroadcast {
		p.add("reply_broadcast", true)
	}
	p.add("username", a.Username)
	if a.IconEmoji != nil {
		p.add("icon_emoji", *a.IconEmoji)
	} else {
		p.add("icon_url", a.IconURL)
	}
	p.add("link_names", a.LinkNames)
	optional("parse", a.Parse)
	optional("ts", a.MessageID)
	if a.Blocks != nil {
		p.add("blocks", a.Blocks)
	}
	return p, nil
}

// channel is the channel's name, with a # where one belongs to it.
func (r *slackRun) channel() string {
	name := *r.a.Channel
	bare := false
	for _, prefix := range []string{"#", "@", "C0", "GF", "G0", "CP"} {
		bare = bare || strings.HasPrefix(name, prefix)
	}
	if r.a.PrependHash == "always" || r.a.PrependHash == "auto" && !bare {
		return "#" + name
	}
	return name
}

// call sends a request to Slack.
func (r *slackRun) call(method, address string, body []byte, headers map[string]any) *net.Answer {
	c := net.Call{URL: address, Method: method, Body: body, Headers: headers, Validate: r.a.ValidateCerts}
	return c.Send(r.ctx, r.m)
}

func (r *slackRun) bearer() string { return "Bearer " + r.a.Token }

// message fetches the message that is to be changed.
func (r *slackRun) message() (map[string]any, error) {
	channel := "None"
	if r.a.Channel != nil {
		channel = *r.a.Channel
	}
	query := "channel=" + url.QueryEscape(channel) + "&ts=" + url.QueryEscape(*r.a.MessageID) + "&limit=1&inclusive=true"
	res := r.call("GET", "https://"+r.domain+"/api/conversations.history?"+query, nil, map[string]any{
		"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json", "Authorization": r.bearer(),
	})
	if res.Status != 200 {
		return nil, modules.Failf("failed to get slack message")
	}
	data, err := object(res.Body)
	if err != nil {
		return nil, err
	}
	if data["ok"] == false {
		return nil, modules.Failf("failed to get slack message: %s", modules.PyRepr(data))
	}
	list, _ := data["messages"].([]any)
	switch {
	case len(list) < 1:
		return nil, modules.Failf("no messages matching ts: %s", *r.a.MessageID)
	case len(list) > 1:
		return nil, modules.Failf("more than 1 message matching ts: %s", *r.a.MessageID)
	}
	one, ok := list[0].(map[string]any)
	if !ok {
		return nil, modules.Failf("failed to get slack message: %s", modules.PyRepr(data))
	}
	return one, nil
}

// differs reports whether a message is another than the task asks for. Its text is
// not looked at: Slack gives it back in a form of its own.
func (r *slackRun) differs(old map[string]any) bool {
	for _, key := range []string{"icon_url", "icon_emoji", "link_names", "color", "attachments", "blocks"} {
		if modules.JSONText(old[key]) != modules.JSONText(r.m.Params[key]) {
			return true
		}
	}
	return false
}

func (r *slackRun) postWebhook(payload string) error {
	res := r.call("POST", "https://hooks."+r.domain+"/services/"+r.a.Token, []byte(payload),
		map[string]any{"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json"})
	if res.Status == 200 {
		return nil
	}
	return modules.Failf(" failed to send %s to https://hooks.%s/services/[obscured]: %s", payload, r.domain, res.Msg)
}

func (r *slackRun) postMessage(payload string) (map[string]any, error) {
	verb := "chat.postMessage"
	if r.a.MessageID != nil {
		verb = "chat.update"
	}
	address := "https://" + r.domain + "/api/" + verb
	res := r.call("POST", address, []byte(payload),
		map[string]any{"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json", "Authorization": r.bearer()})
	if res.Status != 200 {
		return nil, modules.Failf(" failed to send %s to %s: %s", payload, address, res.Msg)
	}
	return object(res.Body)
}

// upload sends the files to where the message went.
func (r *slackRun) upload(message map[string]any) (map[string]any, error) {
	var sent []any
	for _, f := range r.a.Files {
		if f.Name == "" {
			f.Name = filepath.Base(f.Path)
		}
		id, err := r.uploadFile(f)
		if err != nil {
			return nil, err
		}
		if id != nil {
			sent = append(sent, map[string]any{"id": id, "title": f.Name})
		}
	}
	if sent == nil {
		return map[string]any{"ok": false, "msg": "No files were successfully uploaded"}, nil
	}
	p := new(payload)
	p.add("files", sent)
	var channel any = r.a.Channel
	if c := message["channel"]; c != nil && c != "" {
		channel = c
	}
	p.add("channel_id", channel)
	p.add("initial_comment", "Attached Files:")
	if ts := message["ts"]; ts != nil && ts != "" {
		p.add("thread_ts", ts)
	} else if r.a.ThreadID != nil && *r.a.ThreadID != "" {
		p.add("thread_ts", *r.a.ThreadID)
	}
	res := r.call("POST", "https://slack.com/api/files.completeUploadExternal", []byte(p.text()),
		map[string]any{"Authorization": r.bearer(), "Content-Type": "application/json; charset=utf-8"})
	if res.Status != 200 {
		return map[string]any{"ok": false, "msg": fmt.Sprintf("Failed to complete upload. Status: %d", res.Status)}, nil
	}
	return object(res.Body)
}

// fatalUpload are Slack's errors after which no other file would fare better.
var fatalUpload = []string{"invalid_auth", "unknown_method", "missing_scope", "account_inactive"}

// uploadFile sends one file and returns its id; nil where it was left out with a warning.
func (r *slackRun) uploadFile(f slackFile) (any, error) {
	info, err := os.Stat(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		if r.a.FailOnFileError {
			return nil, modules.Failf("File %s not found.", f.Path)
		}
		r.m.Warn("File %s not found. Skipping.", f.Path)
		return nil, nil
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(f.Path)
	}
	if err != nil {
		r.m.Warn("Failed to upload bits for %s: %v", f.Name, err)
		return nil, nil
	}
	place := r.call("GET", fmt.Sprintf("https://slack.com/api/files.getUploadURLExternal?filename=%s&length=%d",
		url.QueryEscape(f.Name), info.Size()), nil, map[string]any{"Authorization": r.bearer()})
	if place.Status != 200 {
		return nil, modules.FailWith(map[string]any{"details": place.Msg},
			"Failed to get upload URL for %s. Slack API endpoint returned HTTP %d.", f.Name, place.Status)
	}
	told, err := object(place.Body)
	if err != nil {
		return nil, err
	}
	if told["ok"] != true {
		reason, _ := told["error"].(string)
		if reason == "" {
			reason = "unknown_error"
		}
		if slices.Contains(fatalUpload, reason) {
			return nil, modules.FailWith(map[string]any{"error": reason}, "Fatal Slack API error occurred for %s. Operation aborted.", f.Name)
		}
		r.m.Warn("Slack API error for %s: %s", f.Name, reason)
		return nil, nil
	}
	address, _ := told["upload_url"].(string)
	if res := r.call("POST", address, data, map[string]any{"Content-Type": "application/octet-stream"}); res.Status != 200 {
		r.m.Warn("Failed to upload bits for %s. Status: %d", f.Name, res.Status)
		return nil, nil
	}
	return told["file_id"], nil
}

// object reads an answer of Slack's API.
func object(body []byte) (map[string]any, error) {
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return nil, modules.Failf("Slack's answer is no JSON object: %w", err)
	}
	return out, nil
}

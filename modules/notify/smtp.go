package notify

// This file speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH (RFC 4954).

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// An smtpClient is one connection to a server.
type smtpClient struct {
	conn   net.Conn
	in     *bufio.Reader
	limit  time.Duration // for one answer
	stop   func() bool   // ends the watch over the context
	name   string        // that the client calls itself
	secure bool
	esmtp  bool
	can    map[string]string // what EHLO offered: lower-case name to its parameters
}

// An smtpReply is a server's answer; as an error it is one that refuses.
type smtpReply struct {
	code   int
	text   string
	sender string // of a refused MAIL
}

func (r *smtpReply) Error() string { return strconv.Itoa(r.code) + " " + r.text }

// allRefused says that the server took none of the receivers.
type allRefused []refusal

func (allRefused) Error() string { return "all recipients were refused" }

type refusal struct {
	address string
	reply   *smtpReply
}

// errNoMethod says that there is no way to log in that both sides know.
var errNoMethod = errors.New("no suitable authentication method found")

// dialSMTP connects to place (host:port) and reads the greeting; a context that ends
// closes the connection.
func dialSMTP(ctx context.Context, place, host string, limit time.Duration, secure bool) (*smtpClient, error) {
	d := net.Dialer{Timeout: limit}
	conn, err := d.DialContext(ctx, "tcp", place)
	if err != nil {
		return nil, err
	}
	c := &smtpClient{limit: limit, secure: secure}
	c.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if secure {
		conn, err = c.encrypt(conn, host)
		if err != nil {
			conn.Close()
			c.stop()
			return nil, err
		}
	}
	c.use(conn)
	greeting, err := c.reply()
	if err == nil && greeting.code != 220 {
		err = greeting
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *smtpClient) use(conn net.Conn) { c.conn, c.in = conn, bufio.NewReader(conn) }

func (c *smtpClient) close() {
	c.stop()
	c.conn.Close()
}

// encrypt does the handshake. The certificate is not verified: Ansible's module does
// not, and mail servers of old have ones that nobody could verify.
func (c *smtpClient) encrypt(conn net.Conn, host string) (net.Conn, error) {
	if err := conn.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return conn, err
	}
	t := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	return t, t.Handshake()
}

// maxLine is more than any line of an answer may have (RFC 5321, 4.5.3.1.5).
const maxLine = 8192

// reply reads an answer, of several lines perhaps.
func (c *smtpClient) reply() (*smtpReply, error) {
	if err := c.conn.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return nil, err
	}
	var lines []string
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if len(line) < 3 {
			return nil, fmt.Errorf("the server answers %q, which is no SMTP", line)
		}
		code, err := strconv.Atoi(line[:3])
		if err != nil {
			return nil, fmt.Errorf("the server answers %q, which is no SMTP", line)
		}
		lines = append(lines, strings.Trim(line[min(4, len(line)):], " \t"))
		if len(line) == 3 || line[3] != '-' {
			return &smtpReply{code: code, text: strings.Join(lines, "\n")}, nil
		}
		if len(lines) > 1000 {
			return nil, errors.New("the server's answer has no end")
		}
	}
}

func (c *smtpClient) line() (string, error) {
	var b []byte
	for {
		one, err := c.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return "", errors.New("Connection unexpectedly closed")
		}
		if err != nil {
			return "", err
		}
		if one == '\n' {
			return strings.TrimRight(string(b), "\r"), nil
		}
		if b = append(b, one); len(b) > maxLine {
			return "", errors.New("Line too long.")
		}
	}
}

// command sends a line and reads the answer.
func (c *smtpClient) command(line string) (*smtpReply, error) {
	if strings.ContainsAny(line, "\r\n") {
		return nil, errors.New("a line break is in what the server is to be told")
	}
	return c.say(line + "\r\n")
}

func (c *smtpClient) say(text string) (*smtpReply, error) {
	if err := c.conn.SetDeadline(time.Now().Add(c.limit)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c.conn, text); err != nil {
		return nil, err
	}
	return c.reply()
}

// hello says EHLO, and HELO to a server that does not know it.
func (c *smtpClient) hello() error {
	res, err := c.command("EHLO " + c.name)
	if err != nil {
		return err
	}
	c.can, c.esmtp = make(map[string]string), res.code == 250
	if !c.esmtp {
		if res, err = c.command("HELO " + c.name); err == nil && res.code != 250 {
			err = res
		}
		return err
	}
	_, offers, _ := strings.Cut(res.text, "\n")
	for offer := range strings.SplitSeq(offers, "\n") {
		// AUTH=LOGIN is how servers wrote it before there was a standard.
		name, params, _ := strings.Cut(strings.Replace(offer, "=", " ", 1), " ")
		name = strings.ToLower(name)
		c.can[name] = strings.TrimSpace(c.can[name] + " " + params)
	}
	return nil
}

func (c *smtpClient) has(offer string) bool {
	_, ok := c.can[offer]
	return ok
}

func (c *smtpClient) startTLS(host string) error {
	res, err := c.command("STARTTLS")
	if err != nil {
		return err
	}
	if res.code != 220 {
		return res
	}
	conn, err := c.encrypt(c.conn, host)
	if err != nil {
		return err
	}
	c.use(conn)
	c.secure = true
	return nil
}

// logIn tries the ways to log in that the server offers, the best first. The error is
// an *smtpReply where the last of them was refused, errNoMethod where none is known.
func (c *smtpClient) logIn(user, password string) error {
	offered := strings.Fields(strings.ToUpper(c.can["auth"]))
	err := errNoMethod
	for _, way := range []struct {
		name string
		do   func(user, password string) (*smtpReply, error)
	}{{"CRAM-MD5", c.cramMD5}, {"PLAIN", c.plain}, {"LOGIN", c.login}} {
		known := false
		for _, name := range offered {
			known = known || name == way.name
		}
		if !known {
			continue
		}
		res, failed := way.do(user, password)
		switch {
		case failed != nil:
			return failed
		case res.code == 235 || res.code == 503: // 503: is logged in
			return nil
		}
		err = res
	}
	return err
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func (c *smtpClient) cramMD5(user, password string) (*smtpReply, error) {
	res, err := c.command("AUTH CRAM-MD5")
	if err != nil || res.code != 334 {
		return res, err
	}
	challenge, err := base64.StdEncoding.DecodeString(res.text)
	if err != nil {
		return nil, err
	}
	h := hmac.New(md5.New, []byte(password))
	h.Write(challenge)
	return c.command(b64(user + " " + hex.EncodeToString(h.Sum(nil))))
}

func (c *smtpClient) plain(user, password string) (*smtpReply, error) {
	return c.command("AUTH PLAIN " + b64("\x00"+user+"\x00"+password))
}

func (c *smtpClient) login(user, password string) (*smtpReply, error) {
	res, err := c.command("AUTH LOGIN " + b64(user))
	if err != nil || res.code != 334 {
		return res, err
	}
	return c.command(b64(password))
}

// send sends a message, whose lines end in \n, and returns whom the server refused.
func (c *smtpClient) send(from string, to []string, text string) ([]refusal, error) {
	data := strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	mail := "MAIL FROM:<" + from + ">"
	if c.esmtp && c.has("size") {
		mail += " size=" + strconv.Itoa(len(data))
	}
	res, err := c.command(mail)
	if err == nil && res.code != 250 {
		res.sender = from
		c.reset()
		err = res
	}
	if err != nil {
		return nil, err
	}
	var refused []refusal
	for _, address := range to {
		res, err := c.command("RCPT TO:<" + address + ">")
		if err != nil {
			return nil, err
		}
		if res.code != 250 && res.code != 251 {
			refused = append(refused, refusal{address, res})
		}
	}
	if len(refused) == len(to) {
		c.reset()
		return nil, allRefused(refused)
	}
	if res, err = c.command("DATA"); err == nil && res.code != 354 {
		err = res
	}
	if err != nil {
		return nil, err
	}
	if data = dotted(data); !strings.HasSuffix(data, "\r\n") {
		data += "\r\n"
	}
	if res, err = c.say(data + ".\r\n"); err == nil && res.code != 250 {
		c.reset()
		err = res
	}
	return refused, err
}

// reset takes a message back; what the server answers changes nothing any more.
func (c *smtpClient) reset() { c.command("RSET") }

// dotted puts a second dot before lines that begin with one.
func dotted(s string) string {
	if strings.HasPrefix(s, ".") {
		s = "." + s
	}
	return strings.ReplaceAll(s, "\n.", "\n..")
}

// ownName is the name that a host without a better one gives itself: its full name,
// else its address.
func ownName() string {
	host, err := os.Hostname()
	if err == nil && strings.Contains(host, ".") {
		return host
	}
	addrs, err := net.LookupHost(host)
	for _, a := range addrs {
		names, _ := net.LookupAddr(a)
		for _, n := range names {
			if n = strings.TrimSuffix(n, "."); err == nil && strings.Contains(n, ".") {
				return n
			}
		}
	}
	for _, a := range addrs {
		if ip := net.ParseIP(a); ip.To4() != nil {
			return "[" + a + "]"
		}
	}
	return "[127.0.0.1]"
}

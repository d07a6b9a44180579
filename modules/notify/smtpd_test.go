package notify

import (
	"bufio"
	"crypto/hmac"
	"crypto/md5"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// An smtpServer is an SMTP server for one case. Its orders, one a line:
//
//	tls              speaks TLS from the start
//	offer WORDS      a line of the answer to EHLO (STARTTLS is done, AUTH is checked)
//	user NAME WORD   who may log in
//	refuse ADDRESS   a receiver that it does not want
//	say VERB ANSWER  an answer in place of its own; VERB is GREETING, EHLO, MAIL, DATA, STARTTLS, TEXT...
type smtpServer struct {
	t        *testing.T
	listener net.Listener
	cert     tls.Certificate
	tls      bool
	offers   []string
	users    map[string]string
	refused  map[string]bool
	says     map[string]string

	mu       sync.Mutex
	sessions []*strings.Builder
	open     sync.WaitGroup
}

func startSMTP(t *testing.T, orders string) testServer {
	s := &smtpServer{t: t, users: map[string]string{}, refused: map[string]bool{}, says: map[string]string{}}
	for line := range strings.Lines(orders) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		first, second, _ := strings.Cut(rest, " ")
		switch word {
		case "tls":
			s.tls = true
		case "offer":
			s.offers = append(s.offers, rest)
		case "user":
			s.users[first] = second
		case "refuse":
			s.refused[rest] = true
		case "say":
			s.says[first] = second
		default:
			t.Fatalf("server: %q is no order", line)
		}
	}
	web := httptest.NewTLSServer(nil) // for its certificate
	s.cert = web.TLS.Certificates[0]
	web.Close()
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			log := &strings.Builder{}
			s.mu.Lock()
			s.sessions = append(s.sessions, log)
			s.open.Add(1)
			s.mu.Unlock()
			go func() {
				defer s.open.Done()
				s.serve(conn, log)
			}()
		}
	}()
	return s
}

func (s *smtpServer) port() string {
	return strconv.Itoa(s.listener.Addr().(*net.TCPAddr).Port)
}

func (s *smtpServer) env() map[string]string { return nil }

// wire is what was said in the sessions in which anything was.
func (s *smtpServer) wire() string {
	s.open.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	for _, log := range s.sessions {
		if log.Len() > 0 {
			out.WriteString(log.String())
		}
	}
	return still(out.String())
}

func (s *smtpServer) answer(verb, own string) string {
	if text, ok := s.says[verb]; ok {
		return text
	}
	return own
}

func (s *smtpServer) serve(conn net.Conn, log *strings.Builder) {
	defer func() { conn.Close() }()
	secure := false
	encrypt := func() bool {
		c := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
		secure = c.Handshake() == nil
		conn = c
		return secure
	}
	if s.tls && !encrypt() {
		return
	}
	in := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	read := func() (string, bool) {
		line, err := in.ReadString('\n')
		return strings.TrimRight(line, "\r\n"), err == nil
	}
	say(s.answer("GREETING", "220 mail.example.com ready"))
	for {
		line, ok := read()
		if !ok || strings.HasPrefix(line, "\x16\x03") { // a client that tries TLS
			return
		}
		verb, rest, more := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		log.WriteString(verb)
		if more {
			log.WriteString(" " + rest)
		}
		log.WriteString("\n")
		switch verb {
		case "EHLO":
			if text, ok := s.says["EHLO"]; ok {
				say(text)
				break
			}
			lines := []string{"mail.example.com"}
			for _, o := range s.offers {
				if o != "STARTTLS" || !secure {
					lines = append(lines, o)
				}
			}
			for i, l := range lines {
				if i < len(lines)-1 {
					say("250-" + l)
				} else {
					say("250 " + l)
				}
			}
		case "STARTTLS":
			text := s.answer(verb, "220 go ahead")
			say(text)
			if strings.HasPrefix(text, "220") {
				if !encrypt() {
					return
				}
				in = bufio.NewReader(conn)
				log.WriteString("(encrypted)\n")
			}
		case "AUTH":
			say(s.auth(rest, say, read, log))
		case "RCPT":
			if s.refused[strings.TrimSuffix(strings.TrimPrefix(rest, "TO:<"), ">")] {
				say("550 no such user here")
			} else {
				say("250 ok")
			}
		case "DATA":
			text := s.answer(verb, "354 go on")
			say(text)
			if !strings.HasPrefix(text, "354") {
				break
			}
			for {
				line, ok := read()
				if !ok {
					return
				}
				log.WriteString(line + "\n")
				if line == "." {
					break
				}
			}
			say(s.answer("TEXT", "250 taken"))
		case "QUIT":
			say("221 bye")
			return
		default:
			say(s.answer(verb, "250 ok"))
		}
	}
}

// auth checks a log-in and returns the answer.
func (s *smtpServer) auth(rest string, say func(string), read func() (string, bool), log *strings.Builder) string {
	way, first, _ := strings.Cut(rest, " ")
	decode := func(text string) string {
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			s.t.Errorf("AUTH: %q is no base64", text)
		}
		return string(data)
	}
	user, good := "", false
	switch way {
	case "PLAIN":
		parts := strings.Split(decode(first), "\x00")
		user = parts[1]
		good = s.users[user] == parts[2]
	case "LOGIN":
		user = decode(first)
		say("334 UGFzc3dvcmQ6")
		line, _ := read()
		log.WriteString(line + "\n")
		good = s.users[user] == decode(line)
	case "CRAM-MD5":
		challenge := "<1896.697170952@mail.example.com>"
		say("334 " + base64.StdEncoding.EncodeToString([]byte(challenge)))
		line, _ := read()
		log.WriteString(line + "\n")
		name, sum, _ := strings.Cut(decode(line), " ")
		h := hmac.New(md5.New, []byte(s.users[name]))
		h.Write([]byte(challenge))
		user, good = name, sum == hex.EncodeToString(h.Sum(nil))
	}
	if _, known := s.users[user]; known && good {
		return "235 welcome"
	}
	return "535 no"
}

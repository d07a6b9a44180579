package transport

// This file makes command lines that run as another user, and knows how the
// programs for that ask for passwords and refuse.

import (
	"fmt"
	"strings"
)

// successMark is what a become command prints once it runs as the wanted
// user; the session's nonce is behind it.
const successMark = "BECOME-SUCCESS-"

// sudoPrompt is the prompt that sudo is told to use; the nonce is in it.
const sudoPrompt = "[sudo via gorun, key=%s] password:"

// suPrompts are su's prompts in the languages that util-linux, shadow and PAM
// are translated to; a colon of either form, perhaps behind blanks, ends them.
var suPrompts = []string{
	"Password", "암호", "パスワード", "Adgangskode", "Contraseña", "Contrasenya", "Hasło", "Heslo", "Jelszó", "Lösenord",
	"Mật khẩu", "Mot de passe", "Parola", "Parool", "Pasahitza", "Passord", "Passwort", "Salasana", "Sandi", "Senha",
	"Wachtwoord", "ססמה", "Лозинка", "Парола", "Пароль", "गुप्तशब्द", "शब्दकूट", "సంకేతపదము", "හස්පදය", "密码", "密碼", "口令",
}

// user is whom to become.
func (b *Become) user() string {
	if b.User == "" {
		return "root"
	}
	return b.User
}

// exe is the program that becomes.
func (b *Become) exe() string {
	if b.Exe == "" {
		return b.Method
	}
	return b.Exe
}

// throughLogin says whether the command runs through the user's own shell:
// sudo -i and -s. sudo hands it on with a backslash before every character but
// letters, digits, "_", "-" and "$", so that $ has its meaning in that shell and
// a newline none at all.
func (b *Become) throughLogin() bool {
	if b.Method != "sudo" {
		return false
	}
	for _, w := range strings.Fields(b.exe() + " " + b.Flags) {
		if w == "--login" || w == "--shell" || strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.ContainsAny(w, "is") {
			return true
		}
	}
	return false
}

// encode puts a script into words that arrive through any shell: the script's
// own characters come out of printf.
func encode(script string) string {
	var out strings.Builder
	out.WriteString("eval \"`printf %b '")
	for _, c := range []byte(script) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(" _-./:;,=", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, `\0%03o`, c)
		}
	}
	out.WriteString("'`\"")
	return out.String()
}

// escaped is a word as sudo -i hands it on.
func escaped(word string) string {
	var out strings.Builder
	for _, c := range []byte(word) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-$", c) >= 0) {
			out.WriteByte('\\')
		}
		out.WriteByte(c)
	}
	return out.String()
}

// command wraps a command line for /bin/sh so that it runs as b's user. The
// password is never part of it: it goes to the prompt.
func (b *Become) command(script, nonce string) (string, error) {
	shell := "/bin/sh -c " + quote(script)
	switch b.Method {
	case "":
		return shell, nil
	case "sudo":
		if b.throughLogin() {
			shell = "/bin/sh -c " + quote(encode(script))
		}
		flags := b.Flags
		if flags == "" {
			flags = "-H"
		}
		// No -n: a prompt of our own tells in every language that a password is missing.
		flags = dropFlags(flags, "n", "S")
		return fmt.Sprintf("%s %s -S -p %s -u %s %s", b.exe(), flags, quote(fmt.Sprintf(sudoPrompt, nonce)), quote(b.user()), shell), nil
	case "su":
		return join(b.exe(), b.Flags, quote(b.user()), "-c", quote(shell)), nil
	case "doas":
		flags := b.Flags
		if b.Password == "" && !strings.Contains(" "+flags+" ", " -n ") {
			flags = join(flags, "-n")
		}
		return join(b.exe(), flags, "-u", quote(b.user()), shell), nil
	}
	return "", &BecomeError{Msg: fmt.Sprintf("become method %q is not known: sudo, su and doas are", b.Method)}
}

// join puts words that are there behind each other.
func join(words ...string) string {
	var out []string
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// dropFlags takes flags of one letter out of words: "-H -S -n" or "-HSn".
func dropFlags(words string, letters ...string) string {
	fields := strings.Fields(words)
	out := fields[:0]
	for _, f := range fields {
		if strings.HasPrefix(f, "-") && !strings.HasPrefix(f, "--") {
			for _, l := range letters {
				f = strings.ReplaceAll(f, l, "")
			}
			if f == "-" {
				continue
			}
		}
		out = append(out, f)
	}
	return strings.Join(out, " ")
}

// prompts says whether text, what a program has printed since the last line
// feed, is its prompt for the password.
func (b *Become) prompts(line []byte, nonce string) bool {
	if b.Method == "" || len(line) == 0 || line[len(line)-1] != ':' && line[len(line)-1] != ' ' && line[len(line)-1] < 0x80 {
		return false
	}
	text := string(line)
	switch b.Method {
	case "sudo":
		return strings.HasSuffix(text, fmt.Sprintf(sudoPrompt, nonce))
	case "doas":
		text = strings.TrimLeft(text, "\r") // by PAM it begins with one
		return strings.HasPrefix(text, "doas (") && strings.HasSuffix(strings.TrimRight(text, " "), "password:")
	case "su":
		text = strings.TrimRight(text, " \u00a0")
		if t, ok := strings.CutSuffix(text, ":"); ok {
			text = t
		} else if t, ok := strings.CutSuffix(text, "："); ok {
			text = t
		} else {
			return false
		}
		text = strings.ToLower(strings.TrimRight(text, " \u00a0"))
		for _, p := range suPrompts {
			// "Password", "root's password", "Password for root@host"
			if p = strings.ToLower(p); strings.HasSuffix(text, p) || strings.HasPrefix(text, p) {
				return true
			}
		}
	}
	return false
}

// refusals are what programs print when a password is wrong.
var refusals = map[string][]string{
	"sudo": {"incorrect password attempt", "Sorry, try again."},
	"su":   {"Authentication failure", "incorrect password", "Sorry"},
	"doas": {"Authentication failed", "Permission denied"},
}

// missingWords are what programs print when they would have to ask and must not.
var missingWords = map[string][]string{
	"sudo": {"a password is required", "a terminal is required to read the password"},
	"doas": {"Authorization required", "Authentication required", "a tty is required"},
}

// failure is the error of a become command that ended before its mark; said
// is what it printed.
func (b *Become) failure(sent bool, said string) error {
	for _, word := range refusals[b.Method] {
		if sent && strings.Contains(said, word) {
			return b.incorrect()
		}
	}
	if b.wantsTerminal(said) {
		return &BecomeError{Msg: fmt.Sprintf("could not become %s with %s: %s", b.user(), b.Method, strings.TrimSpace(said)), terminal: true}
	}
	for _, word := range missingWords[b.Method] {
		if strings.Contains(said, word) {
			return b.missing()
		}
	}
	if sent && b.Method == "su" {
		return b.incorrect() // whatever the language
	}
	msg := strings.TrimSpace(said)
	if msg == "" {
		msg = "it ended without a word"
	}
	return &BecomeError{Msg: fmt.Sprintf("could not become %s with %s: %s", b.user(), b.Method, msg)}
}

// wantsTerminal says whether the program refused because it has no terminal.
func (b *Become) wantsTerminal(said string) bool {
	return b.Method == "sudo" && strings.Contains(said, "you must have a tty") || b.Method == "su" && strings.Contains(said, "must be run from a terminal")
}

func (b *Become) missing() error {
	return &BecomeError{Msg: fmt.Sprintf("Missing %s password", b.Method)}
}
func (b *Become) incorrect() error {
	return &BecomeError{Msg: fmt.Sprintf("Incorrect %s password", b.Method)}
}

// quote quotes a word for any shell: sh, csh and fish read it alike.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

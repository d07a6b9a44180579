package callback

// This file defines junit: a report of the run for continuous integration
// (https://docs.ansible.com/ansible/latest/collections/ansible/builtin/junit_callback.html).

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gorun/templates"
)

type junit struct {
	silent
	dir     string
	current bool
	book    string
	play    string
	starts  map[string]time.Time // of tasks, by UUID
	cases   []junitCase
	dumper  *Default
}

type junitCase struct {
	XMLName   xml.Name      `xml:"testcase"`
	Class     string        `xml:"classname,attr"`
	Name      string        `xml:"name,attr"`
	Time      string        `xml:"time,attr"`
	Error     *junitFailure `xml:"error,omitempty"`
	Failure   *junitFailure `xml:"failure,omitempty"`
	Skipped   *string       `xml:"skipped,omitempty"`
	SystemOut *string       `xml:"system-out,omitempty"`
	seconds   float64
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Disabled int         `xml:"disabled,attr"`
	Errors   int         `xml:"errors,attr"`
	Failures int         `xml:"failures,attr"`
	Name     string      `xml:"name,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Tests    int         `xml:"tests,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Disabled int        `xml:"disabled,attr"`
	Errors   int        `xml:"errors,attr"`
	Failures int        `xml:"failures,attr"`
	Tests    int        `xml:"tests,attr"`
	Time     string     `xml:"time,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

func newJUnit(x Extras, s *Screen) *junit {
	return &junit{dir: x.JUnitDir, current: x.Current, starts: map[string]time.Time{}, dumper: NewDefault(s, Settings{})}
}

func (j *junit) PlaybookStart(file string) {
	name := filepath.Base(file)
	j.book = strings.TrimSuffix(name, filepath.Ext(name))
}

func (j *junit) PlayStart(p Play) {
	if j.play = p.Name; j.play == "" {
		j.play = p.Hosts
	}
}

func (j *junit) TaskStart(t Task) {
	if _, ok := j.starts[t.UUID]; !ok {
		j.starts[t.UUID] = time.Now()
	}
}

func (j *junit) HandlerTaskStart(t Task) { j.TaskStart(t) }

func (j *junit) Result(r Result) {
	name := fmt.Sprintf("[%s] %s: %s", r.Host, j.play, r.Task.Name)
	if !r.Task.NoLog && r.Task.Args != "" {
		name += " " + r.Task.Args
	}
	c := junitCase{Class: r.Task.Path, Name: j.dumper.s.Secrets.Mask(name), seconds: time.Since(j.starts[r.Task.UUID]).Seconds()}
	c.Time = strconv.FormatFloat(c.seconds, 'g', -1, 64)
	switch {
	case r.Status == Skipped:
		reason := "skipped"
		if v, ok := r.Data.GetStr("skip_reason"); ok {
			reason = templates.StrOf(v, templates.Current)
		}
		c.Skipped = &reason
	case (r.Status == Failed || r.Status == Unreachable) && !r.IgnoreErrors:
		if r.Error != nil && !r.NoLog { // today's Ansible tells what was raised
			c.Error = &junitFailure{Message: j.dumper.s.Secrets.Mask(r.Error.Brief()), Type: "error", Text: j.text(r)} // there is no traceback
			break
		}
		c.Failure = &junitFailure{Message: j.message(r), Type: "failure", Text: j.text(r)}
	default:
		text := j.text(r)
		c.SystemOut = &text
	}
	j.cases = append(j.cases, c)
}

func (*junit) message(r Result) string {
	if v, ok := r.Data.GetStr("msg"); ok {
		return templates.StrOf(v, templates.Current)
	}
	if v, ok := r.Data.GetStr("rc"); ok {
		return "rc=" + templates.StrOf(v, templates.Current)
	}
	return "rc=unknown"
}

// text is a result over several lines, indented only where the screen's is.
func (j *junit) text(r Result) string {
	indent := linesOnly
	if name := shortName(r.Task.Action); name == "debug" || name == "assert" {
		if !j.current || !r.Looped {
			indent = 4
		}
		r.Task.Action = "" // a debug task's result is whole here
	}
	return dumpJSON(j.dumper.visible(r), indent)
}

// xmlSpelling writes characters as Ansible's reports do.
var xmlSpelling = strings.NewReplacer("&#xA;", "\n", "&#x9;", "\t", "&#34;", "&quot;", "&#39;", "'")

// betweenTags is what stands between two tags.
var betweenTags = regexp.MustCompile(`>[^<]*<`)

func (j *junit) Stats(Stats) {
	suite := junitSuite{Name: j.book, Tests: len(j.cases), Cases: j.cases}
	var total float64
	for _, c := range j.cases {
		total += c.seconds
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Error != nil {
			suite.Errors++
		}
		if c.Skipped != nil {
			suite.Skipped++
		}
	}
	suite.Time = strconv.FormatFloat(total, 'g', -1, 64)
	all := junitSuites{Errors: suite.Errors, Failures: suite.Failures, Tests: suite.Tests, Time: suite.Time, Suite: suite}
	if err := j.write(all); err != nil {
		j.dumper.Warning("junit: " + err.Error())
	}
}

func (j *junit) write(all junitSuites) error {
	data, err := xml.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	text := xmlSpelling.Replace(string(data))
	if j.current { // newer Pythons leave quotes as they are outside attributes
		text = betweenTags.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, "&quot;", `"`) })
	}
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%.7f.xml", j.book, float64(time.Now().UnixMicro())/1e6)
	return os.WriteFile(filepath.Join(j.dir, name), []byte("<?xml version=\"1.0\" ?>\n"+text+"\n"), 0o644)
}

package callback

// This file defines timer, profile_tasks and profile_roles
// (https://docs.ansible.com/ansible/latest/collections/ansible/posix/profile_tasks_callback.html).

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timer tells at the end how long the run took.
type timer struct {
	silent
	s       *Screen
	current bool
	start   time.Time
}

func newTimer(s *Screen, current bool) *timer {
	return &timer{s: s, current: current, start: time.Now()}
}

func (t *timer) Stats(Stats) {
	all := int(time.Since(t.start).Seconds())
	text := fmt.Sprintf("Playbook run took %d days, %d hours, %d minutes, %d seconds",
		all/86400, all/3600%24, all/60%60, all%60)
	if t.current {
		t.s.Banner("PLAYBOOK RECAP")
		text += "\n\r"
	}
	t.s.Print(text, "")
}

// profileWidth is the width of the lines of the profiling callbacks.
const profileWidth = 79

// a lap is what took time: a task, a role, or an action.
type lap struct {
	name    string
	elapsed time.Duration
}

// clock measures laps and prints the line with the times.
type clock struct {
	s                 *Screen
	recap             string // the banner before the summary, "" for none
	summaryOnly       bool
	start, last, lapT time.Time
	current           *lap
}

// newClock starts a clock; recap is the current era's banner.
func newClock(s *Screen, x Extras, recap string, summaryOnly bool) clock {
	if !x.Current {
		recap, summaryOnly = "", false
	}
	now := time.Now()
	return clock{s: s, recap: recap, summaryOnly: summaryOnly, start: now, last: now, lapT: now}
}

// next ends the running lap and prints the times at the start of a task.
func (c *clock) next() {
	c.stop()
	if !c.summaryOnly {
		c.stamp()
	}
}

// sum ends the running lap and begins the summary.
func (c *clock) sum() {
	c.stop()
	if c.recap != "" {
		c.s.Banner(c.recap)
	}
	c.stamp()
	c.s.Print(filled("", "="), "")
}

// stop ends the running lap.
func (c *clock) stop() {
	if c.current != nil {
		c.current.elapsed += time.Since(c.lapT)
	}
}

func (c *clock) begin(l *lap) { c.current, c.lapT = l, time.Now() }

// stamp prints the time, that since the last stamp, and that since the start.
func (c *clock) stamp() {
	now := time.Now()
	text := fmt.Sprintf("%s (%s)       %s", now.Format("Monday 02 January 2006  15:04:05 -0700"),
		seconds(now.Sub(c.last)), seconds(now.Sub(c.start)))
	c.last = now
	c.s.Print(filled(text, "*"), "")
}

// seconds is a duration as h:mm:ss.mmm.
func seconds(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

func filled(text, fill string) string {
	if text != "" {
		text += " "
	}
	return text + strings.Repeat(fill, max(profileWidth-width(text), 3)) + " "
}

// lapLine is a row of the summary: the name, dashes, the seconds.
func lapLine(name string, d time.Duration) string {
	secs := fmt.Sprintf(" %.2fs", d.Seconds())
	dots := strings.Repeat("-", max(9-len(secs), 0))
	return name + " " + strings.Repeat("-", max(70-len([]rune(name))-1, 0)) + dots + secs
}

// profileTasks tells the time of each task, and the slowest ones at the end.
type profileTasks struct {
	silent
	clock
	sort  string
	limit int // of tasks shown, negative: all
	laps  []*lap
	byID  map[string]*lap
}

func newProfileTasks(s *Screen, x Extras) *profileTasks {
	limit, err := strconv.Atoi(x.ProfileLimit)
	if err != nil {
		limit = 20
		if x.ProfileLimit == "all" {
			limit = -1
		}
	}
	return &profileTasks{clock: newClock(s, x, "TASKS RECAP", x.TasksSummaryOnly), sort: x.ProfileSort, limit: limit, byID: map[string]*lap{}}
}

func (p *profileTasks) TaskStart(t Task) {
	p.next()
	l, ok := p.byID[t.UUID]
	if !ok {
		l = &lap{name: t.Name}
		p.byID[t.UUID] = l
		p.laps = append(p.laps, l)
	}
	p.begin(l)
}

func (p *profileTasks) HandlerTaskStart(t Task) { p.TaskStart(t) }

func (p *profileTasks) Stats(Stats) {
	p.sum()
	laps := slices.Clone(p.laps)
	switch p.sort {
	case "none":
	case "ascending":
		slices.SortStableFunc(laps, func(a, b *lap) int { return int(a.elapsed - b.elapsed) })
	default:
		slices.SortStableFunc(laps, func(a, b *lap) int { return int(b.elapsed - a.elapsed) })
	}
	if p.limit >= 0 && len(laps) > p.limit {
		laps = laps[:p.limit]
	}
	for _, l := range laps {
		p.s.Print(lapLine(l.name, l.elapsed), "")
	}
}

// profileRoles tells the time of each role, and of each action outside roles.
type profileRoles struct {
	silent
	clock
	laps   []*lap
	byName map[string]*lap
}

func newProfileRoles(s *Screen, x Extras) *profileRoles {
	return &profileRoles{clock: newClock(s, x, "ROLES RECAP", x.RolesSummaryOnly), byName: map[string]*lap{}}
}

func (p *profileRoles) TaskStart(t Task) {
	p.next()
	name := shortName(t.Action)
	if role, _, ok := strings.Cut(t.Name, " : "); ok {
		name = role
	}
	l, ok := p.byName[name]
	if !ok {
		l = &lap{name: name}
		p.byName[name] = l
		p.laps = append(p.laps, l)
	}
	p.begin(l)
}

func (p *profileRoles) HandlerTaskStart(t Task) { p.TaskStart(t) }

func (p *profileRoles) Stats(Stats) {
	p.sum()
	laps := slices.Clone(p.laps)
	slices.SortStableFunc(laps, func(a, b *lap) int { return int(b.elapsed - a.elapsed) })
	var total time.Duration
	for _, l := range laps {
		p.s.Print(lapLine(l.name, l.elapsed), "")
		total += l.elapsed
	}
	p.s.Print(filled("", "~"), "")
	p.s.Print(lapLine("total", total), "")
}

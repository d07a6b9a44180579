package modules

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// modeCases give modes for a file or folder with the mode old; recorded with
// ansible-core 2.14.18 (umask 022).
var modeCases = []struct {
	old  uint32
	dir  bool
	mode any
	want string // the mode, or the error's details
}{
	{0o644, false, "0600", "0600"},
	{0o644, false, "755", "0755"},
	{0o644, false, 420, "0644"},
	{0o644, false, int64(0o1777), "01777"},
	{0o644, false, "07777", "07777"},
	{0o644, false, "0o640", "0640"},
	{0o2750, false, "u+q", "bad symbolic permission for mode: u+q"},
	{0o644, false, "z=rw", "bad symbolic permission for mode: z=rw"},
	{0o644, false, "9999", "bad symbolic permission for mode: 9999"},
	{0o644, false, "[", "bad symbolic permission for mode: ["},
	{0o644, false, 99999, "bad symbolic permission for mode: 99999"},
	{0o3777, false, "u+rwX,g-w,o=", "02750"},
	{0o7777, false, "u+s,+t", "07777"},
	{0o7777, false, "ug+g=u", "01777"},
	{0o1777, false, "o=u-w", "0775"},
	{0o644, false, "u+x", "0744"},
	{0o644, false, "a+x", "0755"},
	{0o644, false, "+x", "0755"},
	{0o644, false, "a+X", "0644"},
	{0o644, true, "a+X", "0755"},
	{0o744, false, "a+X", "0755"},
	{0o644, false, "u=rwx,g=rx,o=", "0750"},
	{0o600, false, "g=u,o=g", "0666"},
	{0o755, false, "go-rx", "0700"},
	{0o644, false, "g+s", "02644"},
	{0o644, false, "o+t", "01644"},
	{0o644, false, "-r", "0200"},
}

func TestParseMode(t *testing.T) {
	if processUmask != 0o022 {
		t.Skipf("the umask is %03o, the cases were recorded with 022", processUmask)
	}
	for _, c := range modeCases {
		old := goMode(c.old)
		if c.dir {
			old |= os.ModeDir
		}
		m, err := ParseMode(c.mode, old)
		got := ""
		var f *Failure
		if errors.As(err, &f) {
			got, _ = f.Data["details"].(string)
		} else {
			got = ShowMode(m)
		}
		if got != c.want {
			t.Errorf("%v on %04o: %s, want %s", c.mode, c.old, got, c.want)
		}
	}
}

func FuzzParseMode(f *testing.F) {
	for _, c := range modeCases {
		if s, ok := c.mode.(string); ok {
			f.Add(s, c.old, c.dir)
		}
	}
	f.Fuzz(func(t *testing.T, mode string, old uint32, dir bool) {
		m := goMode(old & modeMask)
		if dir {
			m |= os.ModeDir
		}
		got, err := ParseMode(mode, m)
		if err == nil && got&^(os.ModePerm|os.ModeSetuid|os.ModeSetgid|os.ModeSticky) != 0 {
			t.Errorf("%q on %o: %v has bits that are no permission", mode, old, got)
		}
	})
}

func TestApplyFileArgs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, check := range []bool{true, false} {
		for _, again := range []bool{false, true} {
			diff := &Diff{}
			changed, err := (&Run{Check: check}).ApplyFileArgs(path, &FileArgs{Mode: "u=rw,g=r"}, true, diff)
			wantChange := check || !again
			if err != nil || changed != wantChange {
				t.Errorf("check %v, again %v: changed %v, %v", check, again, changed, err)
			}
			want := &Diff{}
			if wantChange {
				want = &Diff{Before: map[string]any{"mode": "0600"}, After: map[string]any{"mode": "0640"}}
			}
			if !reflect.DeepEqual(diff, want) {
				t.Errorf("check %v, again %v: diff %v", check, again, diff)
			}
		}
	}
	for args, want := range map[*FileArgs]string{
		{Owner: "no such user"}:  "chown failed: failed to look up user no such user",
		{Group: "no such group"}: "chgrp failed: failed to look up group no such group",
		{Mode: "u+q"}:            "mode must be in octal or symbolic form",
	} {
		_, err := (&Run{}).ApplyFileArgs(path, args, true, nil)
		var f *Failure
		if !errors.As(err, &f) || f.Msg != want || f.Data["path"] != path {
			t.Errorf("%v: %v", args, err)
		}
	}
	if changed, err := (&Run{Check: true}).ApplyFileArgs(path+"x", &FileArgs{Mode: "0600"}, true, nil); !changed || err != nil {
		t.Errorf("a file that would be made: %v %v", changed, err)
	}
}

func TestApplyOwnerKeepsSetuid(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("chown needs root")
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	diff := &Diff{}
	changed, err := (&Run{}).ApplyFileArgs(path, &FileArgs{Owner: "2", Group: "3", Mode: "04755"}, false, diff)
	info, _ := os.Stat(path)
	uid, gid := ownerOf(info)
	if err != nil || !changed || uid != 2 || gid != 3 || ShowMode(info.Mode()) != "04755" {
		t.Errorf("%v %v: %d:%d %s", changed, err, uid, gid, ShowMode(info.Mode()))
	}
	if want := map[string]any{"owner": 0, "group": 0, "mode": "0755"}; !reflect.DeepEqual(diff.Before, want) {
		t.Errorf("diff %v", diff.Before)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	m := &Run{}
	path := filepath.Join(dir, "f")
	if err := m.WriteFile(t.Context(), path, []byte("one"), "", false); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); unixMode(info.Mode()) != 0o666&^processUmask {
		t.Errorf("mode of a new file: %s", ShowMode(info.Mode()))
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile(t.Context(), link, []byte("two"), "grep -q two %s", false); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	info, _ := os.Lstat(link)
	real, _ := os.Stat(path)
	if string(data) != "two" || info.Mode()&os.ModeSymlink == 0 || ShowMode(real.Mode()) != "0604" {
		t.Errorf("through a link: %q, link %s, mode %s", data, info.Mode(), ShowMode(real.Mode()))
	}
	err := m.WriteFile(t.Context(), path, []byte("three"), "sh -c 'echo no; exit 5' %s", false)
	var f *Failure
	if !errors.As(err, &f) || f.Msg != "failed to validate" || f.Data["exit_status"] != 5 || f.Data["stdout"] != "no\n" {
		t.Errorf("validate: %v", err)
	}
	if err := m.WriteFile(t.Context(), path, nil, "true", false); err == nil || err.Error() != "validate must contain %s: true" {
		t.Errorf("validate without %%s: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.WriteFile(cancelled, path, []byte("four"), "", true); err == nil {
		t.Error("a cancelled write: no error")
	}
	if data, _ := os.ReadFile(path); string(data) != "two" {
		t.Errorf("after failures: %q", data)
	}
	left, _ := filepath.Glob(dir + "/.ansible*")
	if len(left) > 0 {
		t.Errorf("left over: %s", left)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("made", dangling); err != nil {
		t.Fatal(err)
	}
	if err := m.WriteFile(t.Context(), dangling, []byte("x"), "", false); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "made")); err != nil {
		t.Errorf("a link without a target: %v", err)
	}
	err = m.WriteFile(t.Context(), filepath.Join(dir, "no", "f"), nil, "", false)
	if err == nil || !strings.Contains(err.Error(), "The destination directory ("+dir+"/no) is not writable by the current user") {
		t.Errorf("no folder: %v", err)
	}
}

func TestMoveFile(t *testing.T) {
	dir := t.TempDir()
	m := &Run{}
	src, dst := filepath.Join(dir, "src"), filepath.Join(dir, "dst")
	for path, mode := range map[string]os.FileMode{src: 0o600, dst: 0o644} {
		if err := os.WriteFile(path, []byte(path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dst, 0o645); err != nil {
		t.Fatal(err)
	}
	if err := m.MoveFile(t.Context(), src, dst, "", false); err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(dst)
	info, _ := os.Stat(dst)
	_, err := os.Stat(src)
	if string(data) != src || ShowMode(info.Mode()) != "0645" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q %s, source %v", data, ShowMode(info.Mode()), err)
	}
}

func TestBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	m := &Run{}
	if name, err := m.Backup(path); name != "" || err != nil {
		t.Errorf("of no file: %q %v", name, err)
	}
	if err := os.WriteFile(path, []byte("text"), 0o640); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	if name, err := (&Run{Check: true}).Backup(path); name != "" || err != nil {
		t.Errorf("in check mode: %q %v", name, err)
	}
	form := regexp.MustCompile("^" + regexp.QuoteMeta(path) + `\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~$`)
	seen := make(map[string]bool)
	for range 3 {
		name, err := m.Backup(path)
		if err != nil || !form.MatchString(name) || seen[name] {
			t.Fatalf("%q %v", name, err)
		}
		seen[name] = true
		data, _ := os.ReadFile(name)
		info, _ := os.Stat(name)
		if string(data) != "text" || info.Mode().Perm() != 0o640 || !info.ModTime().Equal(old) {
			t.Errorf("%q %s %s", data, info.Mode(), info.ModTime())
		}
	}
}

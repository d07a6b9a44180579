package xmldoc

import (
	"errors"
	"strings"
	"testing"
)

// TestBroken wants an error with a position, and an end, of documents that are
// cut off anywhere or made to exhaust memory.
func TestBroken(t *testing.T) {
	laughs := `<!DOCTYPE a [<!ENTITY l0 "` + strings.Repeat("ha", 500) + `">`
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		before := string(n[0] - 1)
		laughs += `<!ENTITY l` + n + ` "` + strings.Repeat("&l"+before+";", 20) + `">`
	}
	whole := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e "v&#65;">]><!-- c --><a x="1&amp;" y='&e;'><b>&e;&#x42;<![CDATA[z]]><?p q?></b></a>`
	if _, err := Parse([]byte(whole), ParseOptions{}); err != nil {
		t.Fatal(err)
	}
	docs := []string{laughs + "]><a>&l5;</a>", `<!DOCTYPE a [<!ENTITY e "&e;">]><a>&e;</a>`,
		`<!DOCTYPE a [<!ENTITY e "&e;">]><a x="&e;"/>`, strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300)}
	for i := range whole {
		docs = append(docs, whole[:i])
	}
	for _, d := range docs {
		var syntax *SyntaxError
		if _, err := Parse([]byte(d), ParseOptions{}); !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 {
			t.Errorf("%.80s: %v", d, err)
		}
	}
}

// TestBrokenXPath wants errors, no crashes, of expressions that are cut off.
func TestBrokenXPath(t *testing.T) {
	whole := `//a[@k="1" and position() > 2]/following-sibling::b:c[text()='x' or -1 + 2 * 3]|/d/processing-instruction("p")`
	doc, err := Parse([]byte("<a><b/></a>"), ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if x, err := Compile(whole[:i]); err == nil {
			_, _ = x.Evaluate(doc.Root(), nil) // undefined prefixes are errors too
		}
	}
	if _, err := Compile(strings.Repeat("(", 100000)); !errors.Is(err, ErrInvalid) {
		t.Errorf("deep: %v", err)
	}
}

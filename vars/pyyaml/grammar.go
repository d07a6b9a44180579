package pyyaml

// This file goes through libyaml's tokens by its grammar; see tokens.go.

import (
	"fmt"
	"slices"
	"strings"
)

// A grammar parses one stream. It panics with a *mistake.
type grammar struct {
	*scanner
	anchors map[string]mark
	handles []string
	depth   int
}

// maxNesting bounds how deep collections are followed.
const maxNesting = 5000

// CLibrary words what is wrong with a text as PyYAML does with its C library,
// with the context and the places, name being the text's. It is "" where that
// finds nothing wrong. many says that there may be several documents.
func CLibrary(text, name string, many bool) string {
	if m := findMistake(text, many); m != nil {
		return m.shown(name)
	}
	return ""
}

// findMistake gives what libyaml refuses in a text, nil where it takes it.
func findMistake(text string, many bool) (found *mistake) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *mistake:
			found = p
		default:
			panic(p)
		}
	}()
	g := &grammar{scanner: newScanner(text)}
	g.stream(many)
	return nil
}

// Shown is the place of an error as PyYAML writes it.
func (e *Error) Shown(name string) string {
	if !e.Pos.IsValid() {
		return e.Msg
	}
	return fmt.Sprintf("%s\n  in \"%s\", line %d, column %d", e.Msg, name, e.Pos.Line, max(e.Pos.Col, 1))
}

func (m *mistake) shown(name string) string {
	var lines []string
	place := func(at mark) string {
		return fmt.Sprintf("  in \"%s\", line %d, column %d", name, at.line+1, at.col+1)
	}
	if m.context != "" {
		lines = append(lines, m.context)
		if m.contextAt.line != m.problemAt.line || m.contextAt.col != m.problemAt.col {
			lines = append(lines, place(m.contextAt))
		}
	}
	return strings.Join(append(lines, m.problem, place(m.problemAt)), "\n")
}

func (g *grammar) wrong(context string, since mark, problem string) {
	panic(&mistake{context, since, problem, g.next().at})
}

func (g *grammar) is(kinds ...tokenKind) bool { return slices.Contains(kinds, g.next().kind) }

func (g *grammar) stream(many bool) {
	g.take() // the start
	var first *mark
	for implicit := true; ; implicit = false {
		for !implicit && g.is(documentEnd) {
			g.take()
		}
		if g.is(streamEnd) {
			return
		}
		at := g.next().at
		g.handles = []string{"!", "!!"}
		bare := implicit && !g.is(versionDirective, tagDirective, documentStart)
		if !bare {
			g.directives()
			if !g.is(documentStart) {
				g.wrong("", at, "did not find expected <document start>")
			}
			if first != nil && !many {
				panic(&mistake{"expected a single document in the stream", *first, "but found another document", at})
			}
			g.take()
		}
		root := g.next().at
		first = &root
		g.anchors = map[string]mark{}
		if bare || !g.is(versionDirective, tagDirective, documentStart, documentEnd, streamEnd) {
			g.node(true, false)
		}
		if g.is(documentEnd) {
			g.take()
		}
	}
}

func (g *grammar) directives() {
	version := false
	for g.is(versionDirective, tagDirective) {
		t := g.next()
		switch {
		case t.kind == versionDirective && version:
			g.wrong("", t.at, "found duplicate %YAML directive")
		case t.kind == versionDirective:
			version = true
		case slices.Contains(g.handles[2:], t.text):
			g.wrong("", t.at, "found duplicate %TAG directive")
		default:
			g.handles = append(g.handles, t.text)
		}
		g.take()
	}
}

// node is a node with its anchor and tag; indentless says that a sequence may
// stand at the column of its key.
func (g *grammar) node(block, indentless bool) {
	if g.depth++; g.depth > maxNesting {
		panic(&mistake{problem: "the text is nested too deep", problemAt: g.next().at})
	}
	defer func() { g.depth-- }()
	t := g.next()
	if t.kind == aliasToken {
		if _, ok := g.anchors[t.text]; !ok {
			g.wrong("", t.at, "found undefined alias")
		}
		g.take()
		return
	}
	props := map[tokenKind]token{}
	for g.is(anchorToken, tagToken) {
		p := g.next()
		if _, twice := props[p.kind]; twice {
			break
		}
		props[p.kind] = p
		g.take()
	}
	if tag, ok := props[tagToken]; ok && tag.text != "" && !slices.Contains(g.handles, tag.text) {
		panic(&mistake{"while parsing a node", t.at, "found undefined tag handle", tag.at})
	}
	anchor, anchored := props[anchorToken]
	now := g.next()
	switch {
	case indentless && now.kind == blockEntry, now.kind == scalarToken, now.kind == flowSequenceStart, now.kind == flowMappingStart,
		block && (now.kind == blockSequenceStart || now.kind == blockMappingStart), len(props) > 0:
	default:
		context := "while parsing a flow node"
		if block {
			context = "while parsing a block node"
		}
		g.wrong(context, t.at, "did not find expected node content")
	}
	if anchored {
		if before, twice := g.anchors[anchor.text]; twice {
			panic(&mistake{"found duplicate anchor; first occurrence", before, "second occurrence", t.at})
		}
		g.anchors[anchor.text] = t.at
	}
	switch {
	case indentless && now.kind == blockEntry:
		g.indentlessSequence()
	case now.kind == scalarToken:
		g.take()
	case now.kind == flowSequenceStart:
		g.flowSequence()
	case now.kind == flowMappingStart:
		g.flowMapping()
	case block && now.kind == blockSequenceStart:
		g.blockSequence()
	case block && now.kind == blockMappingStart:
		g.blockMapping()
	}
}

func (g *grammar) blockSequence() {
	at := g.next().at
	for g.take(); g.is(blockEntry); {
		g.take()
		if !g.is(blockEntry, blockEnd) {
			g.node(true, false)
		}
	}
	if !g.is(blockEnd) {
		g.wrong("while parsing a block collection", at, "did not find expected '-' indicator")
	}
	g.take()
}

func (g *grammar) indentlessSequence() {
	for g.is(blockEntry) {
		g.take()
		if !g.is(blockEntry, keyToken, valueToken, blockEnd) {
			g.node(true, false)
		}
	}
}

func (g *grammar) blockMapping() {
	at := g.next().at
	g.take()
	half := func() {
		g.take()
		if !g.is(keyToken, valueToken, blockEnd) {
			g.node(true, true)
		}
	}
	for g.is(keyToken) {
		half()
		if g.is(valueToken) {
			half()
		}
	}
	if !g.is(blockEnd) {
		g.wrong("while parsing a block mapping", at, "did not find expected key")
	}
	g.take()
}

func (g *grammar) flowSequence() {
	at := g.next().at
	g.take()
	for first := true; !g.is(flowSequenceEnd); first = false {
		if !first {
			if !g.is(flowEntry) {
				g.wrong("while parsing a flow sequence", at, "did not find expected ',' or ']'")
			}
			g.take()
		}
		switch {
		case g.is(keyToken):
			g.take()
			if g.is(valueToken, flowEntry, flowSequenceEnd) {
				g.take() // libyaml loses what stands behind an empty key
			} else {
				g.node(false, false)
			}
			g.flowValue(flowSequenceEnd)
		case !g.is(flowSequenceEnd):
			g.node(false, false)
		}
	}
	g.take()
}

// flowValue is the value of a key, where there is one.
func (g *grammar) flowValue(end tokenKind) {
	if g.is(valueToken) {
		g.take()
		if !g.is(flowEntry, end) {
			g.node(false, false)
		}
	}
}

func (g *grammar) flowMapping() {
	at := g.next().at
	g.take()
	for first := true; !g.is(flowMappingEnd); first = false {
		if !first {
			if !g.is(flowEntry) {
				g.wrong("while parsing a flow mapping", at, "did not find expected ',' or '}'")
			}
			g.take()
		}
		switch {
		case g.is(keyToken):
			g.take()
			if !g.is(valueToken, flowEntry, flowMappingEnd) {
				g.node(false, false)
			}
			g.flowValue(flowMappingEnd)
		case !g.is(flowMappingEnd):
			g.node(false, false)
		}
	}
	g.take()
}

package templates

// This file defines the syntax tree.

// An expr is an expression: *constExpr, *nameExpr, *nsRefExpr, *tupleExpr,
// *listExpr, *dictExpr, *condExpr, *binExpr, *logicExpr, *unaryExpr,
// *compareExpr, *concatExpr, *safeExpr, *callExpr, *filterExpr, *testExpr, *attrExpr,
// *itemExpr, *sliceExpr.
type expr interface{ at() int }

// A stmt is a statement: *outputStmt, *forStmt, *ifStmt, *setStmt,
// *setBlockStmt, *withStmt, *autoescapeStmt, *blockStmt, *extendsStmt,
// *includeStmt, *importStmt, *fromStmt, *macroStmt, *callStmt, *filterStmt,
// *doStmt, *loopCtlStmt.
type stmt interface{ at() int }

// node is the place of a node: its byte offset.
type node int

func (n node) at() int { return int(n) }

type (
	constExpr struct {
		node
		val Value
	}
	nameExpr struct {
		node
		name string
	}
	nsRefExpr struct {
		node
		name, attr string
	}
	tupleExpr struct {
		node
		items []expr
	}
	listExpr struct {
		node
		items []expr
	}
	dictExpr struct {
		node
		keys, vals []expr
	}
	condExpr struct {
		node
		test, yes, no expr // no may be nil
	}
	// binExpr is an arithmetic operation.
	binExpr struct {
		node
		op          string
		left, right expr
	}
	// logicExpr is "and" or "or".
	logicExpr struct {
		node
		or          bool
		left, right expr
	}
	// unaryExpr is "not", "-" or "+".
	unaryExpr struct {
		node
		op string
		x  expr
	}
	compareExpr struct {
		node
		first expr
		ops   []string // ==, !=, <, <=, >, >=, in, not in
		rest  []expr
	}
	concatExpr struct {
		node
		items []expr
	}
	// safeExpr is x marked as safe where autoescape is on.
	safeExpr struct {
		node
		x expr
	}
	// callArgs are the arguments of a call, a filter or a test.
	callArgs struct {
		args       []expr
		kwNames    []string
		kwargs     []expr
		star, dict expr // *args and **kwargs, nil where there are none
	}
	callExpr struct {
		node
		fn expr
		callArgs
	}
	filterExpr struct {
		node
		x    expr // nil in a filter block
		name string
		callArgs
	}
	testExpr struct {
		node
		x    expr
		name string
		callArgs
	}
	attrExpr struct {
		node
		x    expr
		name string
	}
	itemExpr struct {
		node
		x, index expr
	}
	sliceExpr struct {
		node
		start, stop, step expr // nil where left out
	}
)

// atMost reports whether there are at most n arguments, none of them by name or
// spread.
func (a *callArgs) atMost(n int) bool {
	return len(a.args) <= n && len(a.kwNames) == 0 && a.star == nil && a.dict == nil
}

type (
	// outputStmt is text and values in turn; text is a *constExpr of Markup.
	outputStmt struct {
		node
		items []expr
	}
	forStmt struct {
		node
		target     expr
		iter, test expr // test may be nil
		recursive  bool
		body, els  []stmt
	}
	ifStmt struct {
		node
		tests  []expr
		bodies [][]stmt
		els    []stmt
	}
	setStmt struct {
		node
		target, value expr
	}
	setBlockStmt struct {
		node
		target expr
		filter expr // a chain of *filterExpr that ends in nil; may be nil
		body   []stmt
	}
	withStmt struct {
		node
		targets, values []expr
		body            []stmt
	}
	autoescapeStmt struct {
		node
		value expr
		body  []stmt
	}
	blockStmt struct {
		node
		name             string
		scoped, required bool
		body             []stmt
	}
	extendsStmt struct {
		node
		template expr
	}
	includeStmt struct {
		node
		template                   expr
		ignoreMissing, withContext bool
	}
	importStmt struct {
		node
		template    expr
		target      string
		withContext bool
	}
	fromStmt struct {
		node
		template       expr
		names, aliases []string
		withContext    bool
	}
	// signature are the parameters of a macro or call block.
	signature struct {
		params   []string
		defaults []expr
	}
	macroStmt struct {
		node
		name string
		signature
		body []stmt
	}
	callStmt struct {
		node
		call *callExpr
		signature
		body []stmt
	}
	filterStmt struct {
		node
		filter expr
		body   []stmt
	}
	doStmt struct {
		node
		x expr
	}
	// loopCtlStmt is break or continue.
	loopCtlStmt struct {
		node
		brk bool
	}
)

// templateText marks the text between tags, as opposed to a constant that is printed.
type templateText struct {
	node
	text string
}

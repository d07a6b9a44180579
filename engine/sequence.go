package engine

// This file sends the items of a loop ahead: the request of an item is made
// and sent while the target still works on those before it. The target runs
// them one after the other, and their results come in order, so nothing but
// the time that the network takes is different. What an item asks for that an
// earlier one's result may change waits for that result.

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"gorun/engine/action"
	"gorun/engine/playbook"
	"gorun/engine/transport"
	"gorun/templates"
	"gorun/vars"
)

const (
	// maxAhead is how many items are on their way at most.
	maxAhead = 256
	// maxAheadBytes is the size of their requests beyond which no other is sent.
	maxAheadBytes = 4 << 20
)

// sendsAhead reports whether the items of the task's loop may be sent ahead:
// whether nothing but their requests comes between them.
func (tr *taskRun) sendsAhead(lc loopControl, items []templates.Value) bool {
	t := tr.t
	if len(items) < 2 || lc.pause > 0 || len(t.LoopControl.BreakWhen) > 0 || t.Include != nil || t.Async.IsSet() {
		return false
	}
	if len(t.Until) > 0 || t.Retries.IsSet() && tr.r.o.Era >= templates.Current {
		return false
	}
	if tr.r.o.TaskTimeout > 0 || tr.p.keyword(t, timeoutOf).IsSet() {
		return false
	}
	to, ok, err := action.Resolve(tr.r.o.Foreign, t.Action, tr.collections())
	return ok && err == nil && to.Module == nil && to.Plugin == nil && action.SendsAhead(to.Full) && tr.r.o.LocalModules[to.Full] == nil
}

// A sequence is a loop whose items are sent ahead.
type sequence struct {
	order transport.Order
	host  transport.Host // of the last item that has begun
	// size is that of the requests on their way, in bytes; freed tells that it shrank.
	size  atomic.Int64
	freed chan struct{}
	stop  atomic.Bool // no other item is sent: the task has failed
}

// A round is one item of a sequence.
type round struct {
	seq  *sequence
	ctx  context.Context
	prev *round // nil for the first item
	size int
	res  *taskResult
	// last is the result under the name of register once the round is settled.
	last *templates.Dict

	sentOnce sync.Once
	sent     chan struct{} // closed when the next item may be sent
	done     chan struct{} // closed when res is there
	settled  chan struct{} // closed when res has been told and kept
}

// settle waits until the items before have been told and kept.
func (r *round) settle() {
	if r.prev == nil {
		return
	}
	select {
	case <-r.prev.settled:
	case <-r.ctx.Done():
	}
}

// begin is called before the item's action runs.
func (r *round) begin(at *action.Task) {
	if r.seq.host != at.Host {
		r.settle() // one order is of one host
		r.seq.host = at.Host
	}
	at.Order = &r.seq.order
	at.Sent = func(size int) {
		r.size = size
		r.seq.size.Add(int64(size))
		r.next()
	}
}

// next lets the next item begin.
func (r *round) next() { r.sentOnce.Do(func() { close(r.sent) }) }

// scope is what the item is templated with: the result of the item before is
// waited for where something asks for it.
func (r *round) scope(s *vars.Scope, register string) *vars.Scope {
	if register == "" {
		return s
	}
	return s.WithLate(register, func() (templates.Value, bool) {
		r.settle()
		if r.prev == nil || r.prev.last == nil {
			return nil, false
		}
		return r.prev.last, true
	})
}

// ahead runs the items one after the other, sent ahead.
func (tr *taskRun) ahead(ctx context.Context, base *taskResult, lc loopControl, items []templates.Value) {
	ctx, cancel := context.WithCancel(ctx)
	seq := &sequence{freed: make(chan struct{}, 1)}
	rounds := make(chan *round, maxAhead)
	go func() {
		defer close(rounds)
		var prev *round
		for i := range items {
			r := &round{seq: seq, ctx: ctx, prev: prev, sent: make(chan struct{}), done: make(chan struct{}), settled: make(chan struct{})}
			select {
			case rounds <- r:
			case <-ctx.Done():
				return
			}
			go tr.send(r, base, lc, items, i)
			<-r.sent
			if !seq.goesOn(ctx) {
				return
			}
			prev = r
		}
	}()
	tr.collect(ctx, base, rounds)
	cancel()
	for r := range rounds { // nothing of it is left running
		<-r.done
	}
}

// goesOn reports whether another item is to be sent, once there is room for it.
func (s *sequence) goesOn(ctx context.Context) bool {
	for s.size.Load() > maxAheadBytes && ctx.Err() == nil {
		select {
		case <-s.freed:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil && !s.stop.Load()
}

// send runs one item to its end; the next one is sent meanwhile.
func (tr *taskRun) send(r *round, base *taskResult, lc loopControl, items []templates.Value, i int) {
	own := *tr
	own.round = r
	ctx := templates.WithMoment(r.ctx, r.settle)
	scope := r.scope(tr.scope, tr.t.Register).With(tr.locals(lc, items, i))
	r.res = own.item(ctx, base, lc, scope, items, i)
	if tr.escapes(r.res) {
		r.seq.stop.Store(true)
	}
	close(r.done)
	r.next()
}

// collect takes the items' results in order, as serial does.
func (tr *taskRun) collect(ctx context.Context, base *taskResult, rounds <-chan *round) {
	var last *templates.Dict
	began := time.Now()
	for r := range rounds {
		<-r.done
		res := r.res
		// The time in which it waited for those before it is theirs.
		if res.start.Before(began) {
			res.start = began
		}
		began = time.Now()
		res.elapsed = began.Sub(res.start)
		if tr.escapes(res) {
			base.looped, base.failure, base.data = false, res.failure, tr.failedResult(tr.newResult(), res.failure).data
			return
		}
		base.items = append(base.items, res)
		tr.tellItem(res)
		if tr.registers(res) {
			last = res.registered()
		}
		r.last, r.prev = last, nil
		close(r.settled)
		r.seq.size.Add(-int64(r.size))
		select {
		case r.seq.freed <- struct{}{}:
		default:
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// timeoutOf is the keyword timeout.
func timeoutOf(b *playbook.Base) playbook.Value { return b.Timeout }

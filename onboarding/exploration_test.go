package onboarding

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The exploration plays every occurrence of an alphabet against every kind of state that the process can reach, breadth
// first. States of one class go on alike; the first one found stands for its class. An exploration ends when no new class
// is found, or at its bound.

var exploreBound = flag.Int("explore.bound", 0, "classes of states to explore of each setup; 0 means each setup's own bound")

// node is a state that was reached, and how.
type node struct {
	p    *Process
	now  time.Time
	from *node
	by   move
	deep int
}

// path tells how the node was reached.
func (n *node) path() string {
	var lines []string
	for at := n; at.from != nil; at = at.from {
		lines = append(lines, fmt.Sprintf("%s %s", at.now.Sub(simStart), at.by))
	}
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

// played is what some of the exploration has played and found.
type played struct {
	occurrences int
	changes     map[[2]Stage]int
	pairs       map[pair]int
	longest     int // turns of the longest continuation to an end
	faults      []string
}

// pair is a stage and the kind of occurrence that was played there.
type pair struct {
	stage Stage
	kind  string
}

func nothingPlayed() played { return played{changes: map[[2]Stage]int{}, pairs: map[pair]int{}} }

func (a *played) add(b played) {
	a.occurrences += b.occurrences
	a.longest = max(a.longest, b.longest)
	a.faults = append(a.faults, b.faults...)
	for k, n := range b.changes {
		a.changes[k] += n
	}
	for k, n := range b.pairs {
		a.pairs[k] += n
	}
}

// exploration is one run over a setup.
type exploration struct {
	played
	in       Input
	bound    int
	seen     map[class]bool
	explored int
	closed   bool // no class is left
}

func (x *exploration) run() {
	x.played, x.seen = nothingPlayed(), map[class]bool{}
	first := &node{p: Begin(x.in, simStart), now: simStart}
	x.seen[classOf(first.p, first.now)] = true
	for level := []*node{first}; len(x.faults) == 0; {
		level = level[:min(len(level), x.bound-x.explored)]
		if len(level) == 0 {
			break
		}
		level = x.expand(level)
	}
	x.closed = len(x.faults) == 0 && x.explored == len(x.seen)
}

// visited is what the visit of one node has brought.
type visited struct {
	played
	found []found
}

type found struct {
	class class
	node  *node
}

// expand visits each node of a level and returns the next level. The visits run side by side and only read what is
// known; what they bring is put together in the order of the nodes, so that every run finds the same.
func (x *exploration) expand(level []*node) (next []*node) {
	visits := make([]visited, len(level))
	todo := make(chan int, len(level))
	for i := range level {
		todo <- i
	}
	close(todo)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range todo {
				visits[i].played = nothingPlayed()
				visits[i].visit(level[i], x.seen)
			}
		})
	}
	wg.Wait()
	for _, v := range visits {
		x.explored++
		x.add(v.played)
		for _, f := range v.found {
			if !x.seen[f.class] {
				x.seen[f.class] = true
				next = append(next, f.node)
			}
		}
	}
	return next
}

func (v *visited) fault(n *node, format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf("%s, after\n%s", fmt.Sprintf(format, args...), n.path()))
}

// visit holds a node to what must be true of every state, and plays every move against it.
func (v *visited) visit(n *node, known map[class]bool) {
	at := n
	defer func() {
		if r := recover(); r != nil {
			v.fault(at, "panics: %v\n%s", r, debug.Stack())
		}
	}()
	v.carriedOn(n)
	v.allGoesWell(n)
	fresh := map[class]bool{}
	for _, m := range moves(n) {
		at = &node{p: clone(n.p), now: n.now.Add(m.after), from: n, by: m, deep: n.deep + 1}
		v.play(n, at)
		if c := classOf(at.p, at.now); !known[c] && !fresh[c] {
			fresh[c] = true
			v.found = append(v.found, found{c, at})
		}
		if len(v.faults) > 0 {
			return
		}
	}
}

// play makes a move and judges where it leads.
func (v *visited) play(n, then *node) {
	if then.by.what == nil {
		for _, step := range then.p.Next(then.now).Steps {
			then.p.Started(then.now, step)
		}
	} else {
		v.occurrences++
		v.pairs[pair{n.p.Stage(), then.by.kind}]++
		v.apply(n, then)
	}
	for _, f := range faultsOf(then.p, then.now) {
		v.fault(then, "%s", f)
	}
}

func (v *visited) apply(n, then *node) {
	var want error
	c, isCommand := then.by.what.(Command)
	if isCommand {
		want = n.p.Check(then.now, c)
	}
	err := then.p.Apply(then.now, then.by.what)
	if (err == nil) != (want == nil) {
		v.fault(then, "answers %v, announced %v", err, want)
	}
	if before, after := n.p.Stage(), then.p.Stage(); after != before {
		v.changes[[2]Stage{before, after}]++
	}
}

// carriedOn: a state that has gone through JSON, as on continue-as-new, plans and tells the same.
func (v *visited) carriedOn(n *node) {
	var in Input
	text, err := json.Marshal(n.p.Carry())
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		v.fault(n, "does not go through JSON: %v", err)
		return
	}
	again := Resume(in, n.now)
	for what, pair := range map[string][2]any{
		"plan":   {n.p.Next(n.now), again.Next(n.now)},
		"status": {n.p.Status(n.now), again.Status(n.now)},
	} {
		if a, b := asJSON(pair[0]), asJSON(pair[1]); a != b {
			v.fault(n, "the %s differs after continue-as-new:\n%s\n%s", what, a, b)
		}
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// allGoesWell: when from here on Ondato holds to one truth, every step succeeds and time passes, the end comes, and with
// that truth.
func (v *visited) allGoesWell(n *node) {
	for _, truth := range truths() {
		if h := n.p.s.Handed; h != nil && h.byOndato() && !final(truth) {
			continue // what Ondato has decided stays decided, one way or the other
		}
		if d := n.p.s.Decision; n.p.s.Told > 0 && !n.p.s.delivered() && d != nil && d.byOndato() && !final(truth) {
			continue // nor does it stay open for ever: meanwhile the onboarding is marked, and a person may decide
		}
		end, turns, fault := comeToAnEnd(n, truth)
		v.longest = max(v.longest, turns)
		if fault != "" {
			v.fault(end, "%s although every step succeeds and Ondato says %s", fault, asJSON(truth))
			return
		}
	}
}

func TestExploration_EveryOccurrenceInEveryReachableState_LeadsOnAndMayEnd(t *testing.T) {
	all, stages := nothingPlayed(), map[Stage]bool{}
	for _, setup := range explored() {
		x := exploration{in: setup.in, bound: setup.bound / exploreShare}
		if *exploreBound > 0 {
			x.bound = *exploreBound
		}
		x.run()
		t.Logf("%s: %d of the %d classes of states found were explored (bound %d), %d occurrences played, longest continuation to an end: %d turns",
			setup.name, x.explored, len(x.seen), x.bound, x.occurrences, x.longest)
		require.Empty(t, x.faults)
		require.True(t, x.closed || !setup.closes || exploreShare > 1, "the exploration has ended at its bound: raise it")
		all.add(x.played)
		for c := range x.seen {
			stages[c.stage] = true
		}
	}
	require.ElementsMatch(t, allStages(), slices.Collect(maps.Keys(stages)), "the stages reached")
	for _, stage := range allStages() {
		for _, kind := range kindsOfOccurrence() {
			require.Positive(t, all.pairs[pair{stage, kind}], "%s was not played in %s", kind, stage)
		}
	}
	t.Logf("each of %d kinds of occurrence was played in each stage", len(kindsOfOccurrence()))
	requireTransitions(t, all.changes)
}

// requireTransitions holds the changes of stage that were seen against the ones that are listed: the list leaves nothing
// out, and holds nothing that does not happen.
func requireTransitions(t *testing.T, seen map[[2]Stage]int) {
	listed := map[[2]Stage]bool{}
	for _, tr := range Transitions() {
		change := [2]Stage{tr.From, tr.To}
		require.False(t, listed[change], "%s -> %s is listed twice", tr.From, tr.To)
		require.Positive(t, seen[change], "%s -> %s is listed in Transitions and was not seen", tr.From, tr.To)
		listed[change] = true
	}
	for change := range seen {
		require.True(t, listed[change], "%s -> %s was seen and is not listed in Transitions", change[0], change[1])
	}
}

func allStages() []Stage {
	return []Stage{StageAwaitingStart, StageOpening, StageInProgress, StageAwaitingDecision, StageHandingOff, StageWatching, StageDone}
}

// kindsOfOccurrence are those that are played in each stage. A step succeeds only where it is under way.
func kindsOfOccurrence() []string {
	kinds := []string{"clock", "command nonsense"}
	for _, t := range eventTypes() {
		kinds = append(kinds, "event "+string(t))
	}
	for _, k := range CommandKinds() {
		kinds = append(kinds, "command "+string(k))
	}
	for _, k := range stepKinds() {
		kinds = append(kinds, string(k)+" fails", string(k)+" is refused")
	}
	return kinds
}

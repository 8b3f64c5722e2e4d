package sandbox

import (
	"container/heap"
	"time"
)

// agenda orders things by the virtual time they are due.
type agenda[T any] struct {
	entries entries[T]
	count   int64
}

// entry is a place in an agenda.
type entry[T any] struct {
	at    time.Time
	order int64 // first come, first served among equals
	index int
	what  T
}

type entries[T any] []*entry[T]

func (e entries[T]) Len() int { return len(e) }
func (e entries[T]) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].order < e[j].order
	}
	return e[i].at.Before(e[j].at)
}
func (e entries[T]) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].index, e[j].index = i, j
}
func (e *entries[T]) Push(x any) {
	it := x.(*entry[T])
	it.index = len(*e)
	*e = append(*e, it)
}
func (e *entries[T]) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*e = old[:len(old)-1]
	last.index = -1
	return last
}

func (a *agenda[T]) put(at time.Time, what T) *entry[T] {
	a.count++
	it := &entry[T]{at: at, order: a.count, what: what}
	heap.Push(&a.entries, it)
	return it
}

// remove takes an entry off; nil and entries already taken are fine.
func (a *agenda[T]) remove(it *entry[T]) {
	if it != nil && it.index >= 0 {
		heap.Remove(&a.entries, it.index)
	}
}

// next tells when the first thing is due.
func (a *agenda[T]) next() (time.Time, bool) {
	if len(a.entries) == 0 {
		return time.Time{}, false
	}
	return a.entries[0].at, true
}

// take removes the first thing if it is due by now.
func (a *agenda[T]) take(now time.Time) (T, time.Time, bool) {
	if at, ok := a.next(); !ok || at.After(now) {
		var zero T
		return zero, time.Time{}, false
	}
	it := heap.Pop(&a.entries).(*entry[T])
	return it.what, it.at, true
}

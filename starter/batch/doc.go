// Package batch starts the onboardings of a file. It checks the whole file before it starts any, starts them at a bounded
// rate, and writes down what came of each as it goes. An interrupted batch is run again and goes on where it was: starts
// are idempotent, and what is written down is not sent again. It reads files as streams; memory grows by some tens of
// bytes a line, for finding a reference that occurs twice.
package batch

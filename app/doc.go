// Package app turns the rooms of the house into programs: it reads the configuration, logs, serves health and metrics,
// dials Temporal, and has one function per program for package main and for the development tools.
//
// The configuration is the environment. [Variables] is the one table of it: what [Load] reads, what the documentation
// says and what the container files are checked against all come from there.
package app

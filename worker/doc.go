// Package worker wires the workflows and activities into a Temporal worker, and the worker's version into Temporal's
// worker versioning. It holds no logic of its own.
package worker

// Package worker wires the workflows and activities into a Temporal worker. It holds no logic of its own.
package worker

// Package bench measures what the product costs in time, always against something else in the same run: the bridge
// against the SDK's own call, an onboarding against workflows that others would write. Machines differ and have moods;
// ratios between rounds that take turns hold.
package bench

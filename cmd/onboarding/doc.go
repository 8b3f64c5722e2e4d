// Command onboarding is the one binary of the product: worker, bridge, sandbox and the tools to start and steer
// onboardings.
package main

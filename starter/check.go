package starter

import "kyc/onboarding"

// Check tells what Start would refuse of a request by itself, without asking Temporal: nil, or an Error with code Invalid.
func (s *Starter) Check(r onboarding.Request) error {
	if _, err := s.check(r); err != nil {
		return invalid(err)
	}
	return nil
}

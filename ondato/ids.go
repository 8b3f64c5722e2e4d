package ondato

import "strings"

// isUUID reports whether s has the form 8-4-4-4-12 in hexadecimal digits of either case.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
	}
	return true
}

// normalID lower-cases UUIDs, because Ondato's casing varies (contract 6); another id might mean its casing.
func normalID(s string) string {
	if isUUID(s) {
		return strings.ToLower(s)
	}
	return s
}

// Package retryafter reads the header Retry-After, for all who call others over HTTP.
package retryafter

#!/bin/sh
# Creates the namespace of the onboardings if it does not exist, and waits until the server knows it everywhere. Address
# and namespace come from TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE. Safe to run again.
set -eu

if ! temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$NAMESPACE_RETENTION" \
		--description "Customer onboarding"
fi

tries=0
until temporal workflow list --namespace "$TEMPORAL_NAMESPACE" --limit 1 >/dev/null 2>&1; do
	tries=$((tries + 1))
	if [ "$tries" -ge 30 ]; then
		echo "namespace $TEMPORAL_NAMESPACE was created, but the server does not answer for it" >&2
		exit 1
	fi
	sleep 2
done
echo "namespace $TEMPORAL_NAMESPACE is ready"

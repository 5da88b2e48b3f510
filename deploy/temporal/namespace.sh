#!/bin/sh
# Make the namespace that Casework's cases live in, or set its retention if it is there already.
set -eu

: "${TEMPORAL_ADDRESS:?host and port of the Temporal frontend}"
: "${TEMPORAL_NAMESPACE:?the namespace}"
: "${TEMPORAL_RETENTION:?how long the history of a closed run stays, such as 30d}"
export TEMPORAL_ADDRESS

attempts=${ATTEMPTS:-30}

again() {
  attempts=$((attempts - 1))
  if [ "$attempts" -le 0 ]; then
    echo "$1" >&2
    exit 1
  fi
  sleep 2
}

until temporal operator cluster health >/dev/null 2>&1; do
  again "Temporal at $TEMPORAL_ADDRESS does not become healthy."
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  # A namespace that was only just made can be described some seconds before it can be changed.
  until temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" \
    --retention "$TEMPORAL_RETENTION"; do
    again "The namespace $TEMPORAL_NAMESPACE does not take the retention $TEMPORAL_RETENTION."
  done
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" \
    --retention "$TEMPORAL_RETENTION"
fi

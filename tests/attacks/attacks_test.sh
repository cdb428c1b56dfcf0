#!/bin/bash
# Runs the worst attacks, each for two seconds, against the broker that was built.
exec "$1" --ci --broker="$2" "${@:3}"

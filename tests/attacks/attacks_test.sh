#!/bin/bash
# Runs all attacks, each for a moment, against the broker that was built.
exec "$1" --brief --broker="$2"

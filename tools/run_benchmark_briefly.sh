#!/bin/bash
# Runs a benchmark binary for a moment, to see that it still works.
exec "$@" --benchmark_min_time=0.001

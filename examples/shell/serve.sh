#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# The service: works until it is told to stop.
trap 'echo "stopped in good order"; exit 0' TERM
echo "leading"
while :; do sleep 60 & wait $!; done 2>/dev/null

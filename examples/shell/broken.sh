#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# A job whose lock is broken by somebody: it is told at the next renewal.
trap 'echo "told to stop"; exit 0' TERM
echo "at work"
holdfast break report >/dev/null
while :; do sleep 60 & wait $!; done 2>/dev/null

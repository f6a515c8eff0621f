#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# For a monitoring system: is there a leader? 0 yes, 2 no, 3 nobody knows.
said=$(holdfast --timeout 2s show leader 2>&1)
case $? in
  0) echo "OK: led by $(echo "$said" | sed -n 's/^host *//p')" ;;
  1) echo "CRITICAL: nobody leads"; exit 2 ;;
  *) echo "UNKNOWN: $said"; exit 3 ;;
esac

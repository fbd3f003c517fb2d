#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Replays the schedules that the list of defects names, and fails if one does not show what the list says.
# Usage: schedules.sh INTERLEAVINGS [LIST]
set -u
interleavings=$1
list=${2:-$(dirname "$0")/defects.toml}
tried=0 failed=0

# A line for each: name|scenario|schedule|what it shows.
schedules() {
    awk -F' = ' '
        /^\[\[/ { within = $0 == "[[schedule]]" }
        within && NF > 1 { gsub(/"/, "", $2); value[$1] = $2 }
        within && $1 == "shows" { print value["name"] "|" value["scenario"] "|" value["schedule"] "|" value["shows"] }
    ' "$list"
}

while IFS='|' read -r name scenario schedule shows; do
    tried=$((tried + 1))
    said=$("$interleavings" --scenario "$scenario" --replay "$schedule" 2>&1)
    if printf '%s\n' "$said" | grep -qxF "Found: $shows."; then
        echo "ok $tried - $name"
    else
        failed=$((failed + 1))
        echo "not ok $tried - $name: scenario $scenario, schedule $schedule does not show: $shows"
        printf '%s\n' "$said" | tail -n 5 | sed 's/^/# /'
    fi
done <<END
$(schedules)
END
echo "1..$tried"
[ "$tried" -gt 1 ] && [ "$failed" -eq 0 ]

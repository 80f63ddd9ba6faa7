#!/bin/sh
# follow PATTERN PROGRAM...   becomes PROGRAM; lines of its transcript that match PATTERN are pushed
# For what agents tell by no hook. Ends with the terminal: it belongs to the same process group.
launch=$(dirname "$0")
pattern=$1
shift
# Open before the program starts: what is written into a FIFO that nobody has open is lost.
exec 3<>"$launch/transcript"
{
    read -r from transcript <&3
    exec 3<&-
    tail -c "+$from" -F "$transcript" | grep --line-buffered -e "$pattern" | while read -r line; do
        printf %s "$line" | "$launch/push" hook -
    done
} >/dev/null 2>&1 &
exec 3<&-
exec "$@"

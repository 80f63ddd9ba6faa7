#!/bin/sh
# hook EVENT   passes what the agent's hook says on standard input to the service
# Always succeeds: some agents read a failure as "stop".
launch=$(dirname "$0")
case $1 in
SessionStart)
    [ -p "$launch/transcript" ] || exec cat >/dev/null
    transcript=$({ LC_ALL=C tr -d '\n\r'; echo; } | sed -n 's/.*"transcript_path": *"\([^"]*\)".*/\1/p')
    # The agent waits for this hook: what it writes from here on is news, also if it is written before anybody looks.
    from=1
    [ ! -f "$transcript" ] || from=$(($(wc -c <"$transcript") + 1))
    printf '%s %s\n' "$from" "$transcript" 1<>"$launch/transcript"
    rm -f "$launch/transcript"
    ;;
PermissionRequest)
    : >"$launch/asked"
    "$launch/push" hook -
    ;;
PostToolUse*)
    # Only after a question; what the tool answered may be long, and nobody asks for it.
    [ -e "$launch/asked" ] || exec cat >/dev/null
    LC_ALL=C tr -d '\n\r' | sed 's/,"tool_response":.*/}/' | "$launch/push" hook -
    ;;
*)
    rm -f "$launch/asked"
    "$launch/push" hook -
    ;;
esac
exit 0

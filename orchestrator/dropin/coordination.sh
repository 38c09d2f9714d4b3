# The functions of the old coordination library, answered by orchestrate.
# Source it:  source ".claude/coordination/lib/coordination.sh"
# Return codes: 0 done, 10 held by another, 11 expired, 12 conflict, 13 stale.
# shellcheck shell=bash

EXIT_SUCCESS=0
EXIT_LOCK_HELD=10
EXIT_LOCK_EXPIRED=11
EXIT_CONFLICT=12
EXIT_STALE_INSTANCE=13
export EXIT_SUCCESS EXIT_LOCK_HELD EXIT_LOCK_EXPIRED EXIT_CONFLICT EXIT_STALE_INSTANCE

# One sourcing shell is one session, also in its subshells: $(coord_register_instance …).
if [ -z "${CLAUDE_CODE_SESSION_ID:-}" ] && [ -z "${ORCHESTRATE_SESSION:-}" ]; then
  ORCHESTRATE_SESSION="sh-$$-$(date +%s)-${RANDOM:-0}"
  export ORCHESTRATE_SESSION
fi

_coord_field() { # the text of one top-level field of the JSON on stdin
  sed -n "s/^  \"$1\": \"\\(.*\\)\",\\{0,1\\}\$/\\1/p"
}

coord_init() { orchestrate status > /dev/null; }

coord_register_instance() { # <task> [role] → prints the instance's id
  local answer code
  # The shell itself is the client: when it ends, what it holds is free.
  answer=$(CLAUDE_PID=$$ orchestrate check-in --task "${1:-General development}" --role "${2:-main}" --json)
  code=$?
  [ "$code" -eq 0 ] || return "$code"
  CLAUDE_INSTANCE_ID=$(printf '%s\n' "$answer" | _coord_field instance)
  export CLAUDE_INSTANCE_ID
  printf '%s\n' "$CLAUDE_INSTANCE_ID"
}

coord_unregister_instance() { orchestrate check-out > /dev/null; }
coord_heartbeat() { orchestrate heartbeat > /dev/null; }
coord_cleanup_stale_instances() { coord-lock cleanup > /dev/null; }

coord_acquire_lock() { coord-lock acquire -- "$1" ${2:+"$2"} > /dev/null; } # <file> [intent]
coord_release_lock() { coord-lock release -- "$1" > /dev/null; }
coord_renew_lock() { coord-lock renew -- "$1" > /dev/null; }
coord_check_lock() { coord-lock check -- "$1"; }

coord_detect_conflict() { # <file>: 12 when it changed since you locked it
  local code=0
  coord-lock check -- "$1" > /dev/null || code=$?
  [ "$code" -eq "$EXIT_CONFLICT" ] || [ "$code" -eq "$EXIT_STALE_INSTANCE" ] || return 0
  return "$code"
}

coord_log_decision() { # <category> <title> <description> [scope] → prints its id
  coord-decisions add --quiet --category="$1" --title="$2" --description="${3:-}" \
    --scope="${4:-module}"
}

coord_query_decisions() { # [category] [limit] → a JSON array
  coord-decisions list --json ${1:+--category="$1"} ${2:+--limit="$2"}
}

coord_list_instances() { coord-status --json | jq '.instances'; }

coord_get_work() { # [instance_id] → what it works on, as JSON
  coord-status --json | jq --arg id "${1:-${CLAUDE_INSTANCE_ID:-}}" \
    '.instances[] | select(.instance_id == $id or .metadata.user == $id) | .current_task'
}

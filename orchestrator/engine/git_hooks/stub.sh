#!/bin/sh
# orchestrate git hook 1 (@NAME@): our check first, then the hook that was here before.
# Made by `orchestrate githooks install`; `orchestrate githooks remove` puts back what was.
name=@NAME@
python=@PYTHON@
entry=@ENTRY@
kept=@KEPT@

say() { printf 'orchestrate %s: %s\n' "$name" "$*" >&2; }

# Without our program nobody can tell. A client's instance waits for it; a human decides.
unable() {
  say "cannot check: $1"
  say "mend it: orchestrate githooks install   (or take it out: orchestrate githooks remove)"
  case $name in pre-*) ;; *) return ;; esac
  if env | grep -Eq '^(CLAUDE|AI_AGENT|CODEX_|ORCHESTRATE_SESSION=)'; then
    say "refused, because an instance may not go on unchecked"
    exit 1
  fi
  say "you are a human, so git goes on unchecked"
}

input=
if [ "$name" = pre-push ]; then
  input=$(cat; printf x)
  input=${input%x}
fi

if [ ! -x "$python" ]; then
  unable "the interpreter $python has gone"
elif [ ! -f "$entry" ]; then
  unable "the program $entry has gone"
else
  printf '%s' "$input" | "$python" -I -S "$entry" "$name" "$PPID" "$@"
  status=$?
  case $name:$status in
    *:0 | post-*) ;;
    *:10) exit 1 ;;
    *) unable "the program ended with status $status" ;;
  esac
fi
@FORWARD@

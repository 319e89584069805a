#!/bin/sh
# Runs a component that must not outlive its launcher: watchdog.sh PIDFILE DIR COMMAND…   (standard input: a pipe
# that only the launcher holds open). The component replaces this shell, so it has the pid the launcher was given.
# A watcher waits for the pipe to close. Then either the component has ended (whoever started it tidies up), or the
# launcher has died: the component is stopped, and the last component to go removes DIR (unless DIR is '-').
pid_file=$1
dir=$2
shift 2
pid=$$
exec 3<&0 # a background job is given /dev/null as its standard input

# The watcher is the component's child, and is given another parent when the component ends: unlike a pid, that
# cannot come to mean another process. Elsewhere than on Linux the pid has to do.
lives() {
  if [ -r /proc/self/stat ]; then
    read -r _ _ _ parent _ </proc/self/stat
    [ "$parent" = "$pid" ]
  else
    kill -0 "$pid" 2>/dev/null
  fi
}

watch() {
  trap '' HUP INT
  while read -r _ <&3; do :; done
  lives || return
  kill -TERM "$pid" 2>/dev/null
  tries=0
  while lives && [ "$tries" -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  lives && kill -KILL "$pid" 2>/dev/null
  rm -f "$pid_file"
  [ "$dir" = - ] && return
  for other in "$dir"/*.pid; do [ -e "$other" ] && return; done
  rm -rf "$dir"
}

watch &
exec "$@" </dev/null 3<&-

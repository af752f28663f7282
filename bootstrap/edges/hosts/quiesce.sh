#!/bin/sh
# Makes a server's data quiet while its volumes are snapshotted, and lets it go on: `freeze`, and then `thaw`.
#
# `rekindle snapshot` sends this file to a server, with what it needs to know as exported variables: its own text
# (`text`), which hold it is (`hold`), the longest that data may stay quiet, in seconds (`limit`), the kind of data
# (`kind`) with the rest of the role's `quiesce`, the role's mount point (`mount`) and its disks (`disks`, as disks.sh,
# which comes before, knows them), and of a read replica the server that its copy is for (`primary`). It exits with 0; its
# answer tells the rest, in lines of words that tabs part:
#   ran <exit code> <began> <ended> <what>  what was done, by this server's clock
#   note <text>                             what else was seen
#   position <text>                         where the database was, in its own words
#   held <since>                            the data is quiet (freeze)
#   failed <why>                            it is not, and nothing stays frozen (freeze)
#   lost <mount>                            it was no longer frozen when it was to be thawed (thaw)
#   released <until> <by>                   writes went on then; by thaw, or by the watchdog (thaw)
#
# No one process is needed: `freeze` starts a watchdog in a session of its own, which thaws when the limit is over,
# whoever else is killed or cut off; and a thaw needs neither of the two. All state is in /run, and is kept until `thaw`
# or the next hold: nothing here writes to a file system that is frozen.
# shellcheck disable=SC2154 # the variables come with this file
set -u
LC_ALL=C
export LC_ALL

state=${REKINDLE_RUN:-/run}/rekindle-quiesce
# On the data, for as long as the hold.
address=.rekindle-primary
# Before anything is quiet, what is in memory may be written out, for so many seconds.
patience=300

now() {
  date -u +%Y-%m-%dT%H:%M:%S.%3NZ
}

# Hundredths of seconds of a clock that nobody turns.
ticks() {
  read -r up _ </proc/uptime
  echo "${up%.*}${up#*.}"
}

# One line of the answer. One write each: several processes tell.
tell() { # word...
  line=$1
  shift
  for word in "$@"; do line="$line	$(printf '%s' "$word" | tr '\t\n' '  ')"; done
  printf '%s\n' "$line" >>"$state/told"
}

# Does one thing, and tells what it was, how it ended and when.
ran() { # what command...
  what=$1 began=$(now)
  shift
  "$@" 2>>"$state/errors"
  code=$?
  tell ran "$code" "$began" "$(now)" "$what"
  return "$code"
}

# Why something failed: what a program called an error, or the last that one said.
last_error() {
  grep -i error "$state/errors" | tail -n 1 | grep . || tail -n 1 "$state/errors"
}

# A part of this file as a process that no other one's end ends.
apart() { # verb argument...
  setsid sh -c "$text" rekindle-quiesce "$@" </dev/null >/dev/null 2>&1 8>&- 9>&- &
}

# Waits for a condition, looking often; false when it took too long.
until_true() { # seconds condition...
  ends=$(($(ticks) + $1 * 100))
  shift
  while ! "$@"; do
    [ "$(ticks)" -lt "$ends" ] || return 1
    sleep 0.02
  done
}

is_live() { # process
  grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status" 2>/dev/null
}

# -- Which file systems

# Where the role's data is mounted: each file system once, one on each line, spaces as \040.
mounts_of() { # disk...
  for disk in "$@"; do devices_of "$(number_of "$(disk_of "$disk")")"; done | awk -v "wanted=$mount" '
    NR == FNR { ours[$1] = 1; next }
    ours[$3] && $4 == "/" && (!($3 in place) || $5 == wanted) { place[$3] = $5 }
    END { for (device in place) print place[device] }
  ' - /proc/self/mountinfo
}

# Lists the file systems that are to be frozen, as one numbered file each.
list_mounts() {
  # shellcheck disable=SC2086 # one word a disk
  for disk in $disks; do
    disk_of "$disk" >/dev/null || fail "volume ${disk#*=} is not there as ${disk%%=*}" || return 1
  done
  [ -z "$mount" ] || mountpoint -q "$mount" || fail "nothing is mounted at $mount" || return 1
  # shellcheck disable=SC2086 # one word a disk
  mounts_of $disks >"$state/mounts"
  [ -z "$mount" ] || grep -qxF "$mount" "$state/mounts" || fail "what is mounted at $mount is on none of its data volumes" ||
    return 1
  count=0
  while read -r place; do
    count=$((count + 1))
    printf '%b' "$(printf '%s' "$place" | sed 's/\\\([0-7]\{3\}\)/\\0\1/g')" >"$state/mount.$count"
  done <"$state/mounts"
  [ "$count" -gt 0 ] || fail "none of its data volumes is mounted"
}

# False when what is to be frozen holds what it takes to thaw it.
leave_way_back() {
  for file in "$state"/mount.*; do
    place=$(cat "$file")
    device=$(stat -Lc %d "$place") || fail "$place can't be looked at" || return 1
    for needed in / /usr /bin /lib /etc /run /tmp /var /var/lib /var/log "$state"; do
      [ "$(stat -Lc %d "$needed" 2>/dev/null)" != "$device" ] ||
        fail "$place also holds $needed, without which this server could not be thawed" || return 1
    done
  done
}

# -- A read replica's copy that comes back as the primary. Each of these would wait for ever where somebody froze the data.

# Notes on the data which server's the copy is to be: rekindle-boot makes it a primary there, and nowhere else.
address_copy() {
  [ -n "$primary" ] && [ -n "$mount" ] || return 0
  apart write_address
  until_true 10 is_addressed || fail "$mount/$address can't be written" || return 1
  tell note "the copy becomes the primary where $primary boots from it"
}

is_addressed() {
  [ "$(cat "$mount/$address" 2>/dev/null)" = "$primary" ]
}

write_address() {
  echo "$primary" >"$mount/$address"
  if ! is_current || [ -e "$state/released" ]; then rm_address; fi
}

# Whatever else is copied of the replica is a replica.
keep_own() {
  [ -n "$primary" ] && [ -n "$mount" ] || return 0
  apart rm_address
  until_true 10 test ! -e "$mount/$address" || tell note "$mount/$address could not be removed; remove it"
}

rm_address() {
  rm -f "$mount/$address"
}

# -- Freezing and thawing

# From here on the watchdog counts.
begin_hold() {
  [ ! -e "$state/holding" ] || return 0
  since=$(now)
  echo "$(($(ticks) + limit * 100))" >"$state/holding.new"
  mv "$state/holding.new" "$state/holding"
}

# Whether this is the hold that the server's state is about.
is_current() {
  [ "$(cat "$state/hold" 2>/dev/null)" = "$hold" ]
}

is_held() {
  is_current && [ -e "$state/holding" ] && [ ! -e "$state/released" ]
}

# Freezes one file system. When it was let go meanwhile, whoever did so could not know that this one would still come.
freeze_one() { # number
  place=$(cat "$state/mount.$1") && is_held || return
  ran "fsfreeze --freeze $place" fsfreeze --freeze "$place"
  frozen=$?
  if ! is_held; then
    [ "$frozen" -ne 0 ] || fsfreeze --unfreeze "$place"
    return
  fi
  echo "$frozen" >"$state/frozen.$1.new"
  mv "$state/frozen.$1.new" "$state/frozen.$1"
}

# How the freeze of one ended; nothing is known yet while it goes on.
frozen_as() { # number
  cat "$state/frozen.$1" 2>/dev/null || echo unknown
}

# What somebody else had frozen before us is left to them; what nobody knows of is thawed.
thaw_one() { # number
  place=$(cat "$state/mount.$1")
  ran "fsfreeze --unfreeze $place" fsfreeze --unfreeze "$place"
  echo $? >"$state/thawed.$1.new"
  mv "$state/thawed.$1.new" "$state/thawed.$1"
}

are_frozen() {
  [ ! -e "$state/released" ] || return 0
  for file in "$state"/mount.*; do
    [ "$(frozen_as "${file##*.}")" != unknown ] || return 1
  done
}

# Freezes every file system at once.
freeze_all() {
  begin_hold
  for file in "$state"/mount.*; do apart freeze_one "${file##*.}"; done
  until_true "$limit" are_frozen && is_held || fail "it was not frozen within $limit s" || return 1
  for file in "$state"/mount.*; do
    [ "$(frozen_as "${file##*.}")" = 0 ] || fail "$(cat "$file") can't be frozen: $(last_error)" || return 1
  done
}

are_thawed() {
  for file in "$state"/mount.*; do
    is_ours "${file##*.}" || continue
    [ -e "$state/thawed.${file##*.}" ] || return 1
  done
}

is_ours() { # number
  case $(frozen_as "$1") in 0 | unknown) ;; *) return 1 ;; esac
}

# Thaws every file system at once, and tells of one that had not stayed frozen.
thaw_all() {
  for file in "$state"/mount.*; do
    ! is_ours "${file##*.}" || apart thaw_one "${file##*.}"
  done
  # One whose freeze hangs is thawed when that comes to an end, by whoever froze it.
  until_true 10 are_thawed
  for file in "$state"/mount.*; do
    [ "$(frozen_as "${file##*.}")" != 0 ] || [ "$(cat "$state/thawed.${file##*.}" 2>/dev/null)" = 0 ] ||
      tell lost "$(cat "$file")"
  done
}

# Lets everything go on, once; safe to be called by several, and again after one that was killed.
release() { # by
  # First of all: from here on nothing may be frozen any more.
  mkdir "$state/released" 2>/dev/null && echo "$1" >"$state/released/by"
  exec 9>"$state/lock"
  flock 9
  if [ ! -e "$state/over" ]; then
    if [ -e "$state/holding" ]; then thaw_all; fi
    goes_on=$(now)
    let_go
    # Whoever waited for more than a file system goes on only now.
    [ ! -e "$state/locked" ] || goes_on=$(now)
    tell released "$goes_on" "$(cat "$state/released/by")"
    keep_own
    : >"$state/over"
  fi
  exec 9>&-
}

# -- Databases: one session, which stays open for as long as the hold

as_user() {
  if [ "$(id -un)" = "$user" ]; then "$@"; else runuser -u "$user" -- "$@"; fi
}

client() {
  case $kind in
    postgres) as_user psql -XAtq -v ON_ERROR_STOP=1 -d postgres -p "$port" ${host:+-h "$host"} ;;
    *)
      program=mysql
      ! command -v mariadb >/dev/null || program=mariadb
      as_user "$program" ${defaults:+"--defaults-file=$defaults"} --batch --skip-column-names --unbuffered
      ;;
  esac
}

# The watchdog keeps the pipe open: with its end the session ends, and with that whatever the session holds.
serve_session() {
  client <"$state/in" >"$state/out" 2>"$state/session-errors"
  : >"$state/session-over"
}

open_session() {
  mkfifo "$state/in"
  : >"$state/out"
  : >"$state/session"
  until_true 10 test -e "$state/session-kept" && apart serve_session
}

has_answered() { # number
  [ -e "$state/session-over" ] || grep -qx "rekindle-$1" "$state/out"
}

# Has the session run some SQL; its rows are then `answered`. False when it fails, or takes longer than so many seconds.
ask() { # seconds sql
  number=$(($(cat "$state/asked" 2>/dev/null || echo 0) + 1))
  echo "$number" >"$state/asked"
  [ -e "$state/session-over" ] || printf '%s\n' "$2" "SELECT 'rekindle-$number';" >"$state/in"
  until_true "$1" has_answered "$number" || { echo "error: no answer within $1 s" >&2; return 1; }
  grep -qx "rekindle-$number" "$state/out" || { cat "$state/session-errors" >&2; return 1; }
  awk -v "from=rekindle-$((number - 1))" -v "to=rekindle-$number" '
    $0 == to { exit }
    on || from == "rekindle-0" { print }
    $0 == from { on = 1 }
  ' "$state/out" >"$state/answer"
}

answered() {
  tr '\n\t' '  ' <"$state/answer" | sed 's/ *$//'
}

prepare_postgres() {
  ran "connect to PostgreSQL" ask 30 'SHOW server_version_num;' || return 1
  answered >"$state/version"
  ran "SELECT pg_is_in_recovery()" ask 30 'SELECT pg_is_in_recovery();' || return 1
  [ "$replica" = no ] || [ "$(answered)" = t ] || fail "pg_is_in_recovery() says that it is no read replica" ||
    return 1
  [ "$replica" = no ] || tell_lag || return 1
  if [ "$mode" = backup ]; then
    begin="pg_backup_start('rekindle', true)"
    [ "$(cat "$state/version")" -ge 150000 ] || begin="pg_start_backup('rekindle', true, false)"
    ran "SELECT $begin" ask "$patience" "SELECT $begin;" || return 1
    tell note "backup mode began at $(answered)"
  else
    ran CHECKPOINT ask "$patience" 'CHECKPOINT;'
  fi
}

# How far a read replica has come: one that has lost its primary gives data that is older than its snapshot.
tell_lag() {
  last="coalesce(to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'none since its start')"
  follows="CASE WHEN EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 'it is connected to its primary' ELSE 'it is NOT connected to its primary' END"
  ran "look how far the replica has come" ask 30 "SELECT 'last commit replayed: ' || $last || '; ' || $follows;" || return 1
  tell note "$(answered)"
}

# Commits wait from here on.
lock_tables() {
  ran "connect to the database" ask 30 'SELECT VERSION();' || return 1
  version=$(answered)
  look='SHOW MASTER STATUS' source='SHOW SLAVE STATUS'
  case $kind:$version in
    mysql:8.[4-9]* | mysql:9.*) look='SHOW BINARY LOG STATUS' source='SHOW REPLICA STATUS' ;;
    # One that has a name is not shown without ALL.
    mariadb:*) source='SHOW ALL SLAVES STATUS' ;;
  esac
  if [ "$replica" = yes ]; then
    ran "$source" ask 30 "$source;" || return 1
    [ -s "$state/answer" ] || fail "it replicates from nobody, so it is no read replica" || return 1
  fi
  locks="LOCK INSTANCE FOR BACKUP; FLUSH TABLES WITH READ LOCK;"
  [ "$kind" = mysql ] ||
    locks="BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT;"
  begin_hold
  : >"$state/locked"
  ran "$locks" ask "$limit" "SET SESSION lock_wait_timeout = $limit; $locks" || return 1
  ran "$look" ask 10 "$look;" || return 1
  [ ! -s "$state/answer" ] || tell position "$(awk '{ print $1 ":" $2; exit }' "$state/answer")"
}

run_hook() {
  begin_hold
  : >"$state/locked"
  ran "$before" timeout "$limit" sh -c "$before" >/dev/null
}

# Everything that can be written out before is: then the freeze itself is short.
prepare() {
  address_copy || return 1
  for file in "$state"/mount.*; do
    ran "sync $(cat "$file")" timeout "$patience" sync -f "$(cat "$file")" || return 1
  done
  case $kind in
    postgres) open_session && prepare_postgres ;;
    mysql | mariadb) open_session && lock_tables ;;
    hooks) run_hook ;;
  esac
}

# The log up to here is on the disks that are frozen, and nothing of what comes later.
look_at_position() {
  [ "$kind" = postgres ] || return 0
  flushed="CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_flush_lsn() END"
  ran "look at the position" ask 5 "SELECT $flushed;" && tell position "$(answered)"
}

# After the thaw: ends what the database, or the role's own command, was told to wait for.
let_go() {
  [ ! -e "$state/session" ] || [ -e "$state/asked" ] || return 0
  case $kind in
    postgres)
      [ "$mode" = backup ] && [ -e "$state/version" ] || return 0
      end='pg_backup_stop(false)'
      [ "$(cat "$state/version")" -ge 150000 ] || end='pg_stop_backup(false, false)'
      ran "SELECT $end" ask 30 "SELECT lsn FROM $end;" && tell note "backup mode ended at $(answered)"
      ;;
    mariadb) [ ! -e "$state/locked" ] || ran "BACKUP STAGE END" ask 10 "BACKUP STAGE END;" ;;
    mysql) [ ! -e "$state/locked" ] || ran "UNLOCK TABLES; UNLOCK INSTANCE;" ask 10 "UNLOCK TABLES; UNLOCK INSTANCE;" ;;
    hooks) [ ! -e "$state/locked" ] || ran "$after" timeout 60 sh -c "$after" >/dev/null ;;
  esac
}

# -- The watchdog

# Lets everything go on when the limit is over, and when whoever was to do so did not come to an end.
watch() {
  # The last that a server without memory kills.
  echo -1000 >/proc/self/oom_score_adj
  : >"$state/watching"
  while is_current && [ ! -e "$state/over" ]; do
    sleep 0.1
    if [ -e "$state/session" ] && [ ! -e "$state/session-kept" ]; then
      exec 3<>"$state/in"
      : >"$state/session-kept"
    fi
    if [ -e "$state/released" ]; then
      until_true 30 test -e "$state/over" || release watchdog
    elif [ -e "$state/holding" ]; then
      [ "$(ticks)" -lt "$(cat "$state/holding")" ] || release watchdog
    elif ! is_live "$(cat "$state/freezing")"; then
      # Who was to freeze is gone, and had not begun.
      release watchdog
    fi
  done
}

# -- What `rekindle snapshot` asks for

# Notes why it can't be done.
fail() { # why
  why=$1
  return 1
}

# One hold at a time. What an earlier one left is ended first, once nobody watches over it any more.
claim() {
  [ -w "${state%/*}" ] || fail "this user may not write to ${state%/*}" || return 1
  exec 8>"$state.lock"
  flock 8
  if [ -d "$state" ] && [ ! -e "$state/over" ]; then
    for file in "$state/watchdog" "$state/freezing"; do
      ! is_live "$(cat "$file" 2>/dev/null)" || fail "another snapshot ($(cat "$state/hold")) holds its data" || return 1
    done
    release watchdog
  fi
  rm -rf "$state"
  (umask 077 && mkdir "$state") || fail "this user may not write to ${state%/*}" || return 1
  echo $$ >"$state/freezing"
  echo "$hold" >"$state/hold"
  : >"$state/errors"
  exec 8>&-
}

# Ends before anything begins when a program is not there.
need_programs() {
  for program in setsid fsfreeze flock mountpoint timeout stat awk; do
    command -v "$program" >/dev/null || fail "this server has no $program" || return 1
  done
}

hold_quiet() {
  list_mounts && leave_way_back || return 1
  apart watch
  echo $! >"$state/watchdog"
  until_true 10 test -e "$state/watching" || fail "its watchdog did not start" || return 1
  prepare || fail "${why:-$(last_error)}" || return 1
  [ ! -e "$state/released" ] || fail "it was let go before it was frozen" || return 1
  freeze_all || return 1
  look_at_position || fail "$(last_error)"
}

freeze() {
  why='' since=''
  if ! need_programs || ! claim; then
    printf 'failed\t%s\n' "$why"
    return
  fi
  if hold_quiet; then
    tell held "$since"
  else
    release freeze
    tell failed "$why"
  fi
  cat "$state/told"
}

# Says nothing when the freeze never came to this server, or another hold came after it.
thaw() {
  is_current || return 0
  release thaw
  cat "$state/told"
  rm -rf "$state"
}

main() {
  verb=$1
  shift
  cd / || exit
  case $verb in
    freeze | thaw | watch | freeze_one | thaw_one | serve_session | write_address | rm_address) "$verb" "$@" ;;
  esac
  exit 0
}

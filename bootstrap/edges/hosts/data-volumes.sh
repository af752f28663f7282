#!/bin/sh
# Looks after a server's data volumes for `rekindle restore volume`, with the boot script's own functions: how volumes
# are found and put together is known there, and in no second place. `rekindle` sends this file to the server and
# appends one line that calls a function of it. Each of them may be called again, after whatever a killed one has left.
REKINDLE_BOOT_SOURCED=1
boot=$(command -v rekindle-boot) || boot=/usr/local/sbin/rekindle-boot
if ! [ -r "$boot" ]; then
  echo "it has no rekindle-boot, as golden images have; bake its image, and roll it" >&2
  exit 127
fi
# shellcheck source=cloud-init/boot
. "$boot"

# Units that were stopped beside the role's own, one on each line.
stopped=$root/run/rekindle-stopped

# Learns what the release that runs says of the data. One thing at a time is done to it.
begin() {
  read_identity
  open_work
  trap 'finish_handling' EXIT
  exec 8>"$state/data.lock"
  flock -w 600 8 || die "something else has been done to the data volumes for 10 minutes"
  read_duties "$(basename "$(readlink "$state/current")")"
  [ -n "$storage" ] || die "role $REKINDLE_ROLE keeps no data on volumes"
  # shellcheck disable=SC2086 # three words: layout, file system, mount point
  set -- $storage
  layout=$1 filesystem=$2 mountpoint=$3
}

# Exit code 1 would be an answer to whoever only looks.
finish_handling() {
  status=$?
  rm -rf "$work"
  [ "$status" -ne 1 ] || exit 3
}

# What there is, one fact on each line: a word, and its value.
look() { # moment, in seconds since 1970
  begin
  echo "now $(date +%s.%3N)"
  echo "mount $mountpoint"
  for unit in $services; do echo "service $unit"; done
  mountpoint -q "$mountpoint" || return 0
  echo "mounted yes"
  users
  newer "$1"
}

# Processes that hold the data: id, unit or a hyphen, command.
users() {
  find /proc/[0-9]*/fd /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe /proc/[0-9]*/map_files -maxdepth 1 \
    \( -lname "$mountpoint" -o -lname "$mountpoint/*" \) -printf '%h\n' 2>/dev/null |
    cut -d / -f 3 | sort -nu | while read -r pid; do
    if [ "$pid" = $$ ] || ! [ -d "/proc/$pid" ]; then continue; fi
    echo "user $pid $(unit_of "$pid") $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | cut -c 1-100)"
  done
}

# The service that a process belongs to; a hyphen for a login's, and for what we ourselves came in by.
unit_of() {
  unit=$(sed -n 's|.*/\([^/]*\.service\)$|\1|p' "/proc/$1/cgroup" 2>/dev/null | tail -n 1)
  case $unit in
    '' | user@* | ssh.service | sshd.service | *ssm-agent*) echo - ;;
    *) echo "$unit" ;;
  esac
}

# What of the data was changed after a moment: how the search ended, how many files, and the newest one's time and path.
# By the time of change, which nobody sets back.
newer() {
  {
    ended=0
    timeout 30 find "$mountpoint" -xdev -ignore_readdir_race -newerct "@$1" -printf '%C@ %p\n' 2>/dev/null || ended=$?
    echo "end $ended"
  } | awk '$1 == "end" { print "newer", $2, count + 0, line; next } { count++ } $1 + 0 > newest { newest = $1 + 0; line = $0 }'
}

# The disks of the role's volumes, as far as they are attached.
disks() {
  for pair in $volumes; do
    device_of "${pair#*=}" 2>/dev/null || true
  done
}

# Stops whatever uses the data, unmounts it and takes it apart, so that its volumes can be detached.
release() {
  begin
  # shellcheck disable=SC2086 # one word a unit
  [ -z "$services" ] || systemctl stop $services || die "$services can't be stopped"
  if mountpoint -q "$mountpoint"; then
    stop_others
    umount "$mountpoint" || die "$mountpoint can't be unmounted"
  fi
  # shellcheck disable=SC2046 # one word a disk
  take_apart $(disks)
}

# Stops other units that hold the data, and ends when something else does.
stop_others() {
  for unit in $(users | awk '$3 != "-" { print $3 }' | sort -u); do
    grep -qxF "$unit" "$stopped" 2>/dev/null || echo "$unit" >>"$stopped"
    systemctl stop "$unit" || die "$unit, which uses $mountpoint, can't be stopped"
    say "stopped $unit, which used $mountpoint"
  done
  for _ in $(seq 50); do
    held=$(users)
    [ -n "$held" ] || return 0
    sleep 0.2
  done
  die "$mountpoint is used by $(echo "$held" | awk '{ printf "%sprocess %s (", (NR > 1 ? ", " : ""), $2; $1 = $2 = $3 = ""; sub(/^ +/, ""); printf "%s)", $0 }'), which belongs to no service; end it"
}

# Stops the array, or the volume group, that disks make.
take_apart() { # disk...
  for disk in "$@"; do
    case $layout in
      striped)
        array=$(array_on "$disk")
        [ -z "$array" ] || mdadm --stop "$array" >&2 || die "the array $array can't be stopped"
        ;;
      lvm)
        group=$(pvs --noheadings -o vg_name "$disk" 2>/dev/null | tr -d ' ')
        [ -z "$group" ] || vgchange -qan "$group" >&2 || die "the volume group $group can't be deactivated"
        ;;
    esac
  done
}

# Brings back what `release` took away, with whatever volumes are there now, and asks the role's health check.
resume() {
  "$boot" || exit $?
  [ -f "$stopped" ] || return 0
  while read -r unit; do
    systemctl start "$unit" || { echo "$unit, which had used the data, did not start again" >&2; exit 3; }
  done <"$stopped"
  rm -f "$stopped"
}


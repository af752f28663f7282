#!/bin/sh
# Puts an old state of a server's data beside the present one: volumes from snapshots that were attached to a running
# server, with the same names and UUIDs of array, volume group and file system as those in use, which stay untouched.
# Whoever sends this file appends a line that calls `beside <layout> <mount> <ro|rw> <disk>...`, which prints the device
# that is mounted then, or `away <mount>`, after which the disks can be detached.
set -u
LC_ALL=C
export LC_ALL

# Says why, and ends; what was done is undone by `away`.
die() { # why
  echo "rekindle: $1" >&2
  exit 2
}

is_disk() {
  [ -b "$1" ]
}

is_array() {
  [ -e "/dev/md/$1" ]
}

is_group() {
  vgs "$1" >/dev/null 2>&1
}

# The first name for an array or a volume group that nothing here has.
free_name() { # test
  number=1
  while "$1" "beside$number"; do number=$((number + 1)); done
  echo "beside$number"
}

# The arrays that something has made of a disk as soon as it was attached: udev does, under a name of its own.
arrays_on() { # disk
  lsblk -nrpo NAME,TYPE "$1" | awk '$2 ~ /^raid/ { print $1 }'
}

# An array of the disks with a new UUID: by the one that they have, it would be taken for the one in use.
array_beside() { # disk...
  for disk in "$@"; do
    for array in $(arrays_on "$disk"); do
      ! grep -q "^$array " /proc/mounts || die "$disk belongs to $array, which is mounted"
      mdadm --stop "$array" >&2 || die "$array, which was made of $disk when it was attached, can't be stopped"
    done
  done
  array=/dev/md/$(free_name is_array)
  mdadm --assemble "$array" --run --update=uuid "$@" >&2 || die "$* are no whole array"
  echo "$array"
}

# A volume group of the disks with new UUIDs and a name of its own; its one logical volume.
volume_beside() { # disk...
  group=$(free_name is_group)
  vgimportclone --basevgname "$group" "$@" >&2 || die "$* are no whole volume group"
  vgchange -q -ay "$group" >&2 || die "the volume group of $* can't be activated"
  # shellcheck disable=SC2046 # one word a logical volume
  set -- $(lvs --noheadings -o lv_path "$group")
  [ $# -eq 1 ] || die "the volume group of the disks has $# logical volumes; one is expected"
  echo "$1"
}

beside() { # layout mount ro|rw disk...
  layout=$1 mount=$2 options=$3
  shift 3
  ! mountpoint -q "$mount" || die "something is mounted at $mount already"
  for disk in "$@"; do is_disk "$disk" || die "there is no disk $disk"; done
  case $layout in
    md) device=$(array_beside "$@") || exit ;;
    lvm) device=$(volume_beside "$@") || exit ;;
    *) device=$1 ;;
  esac
  # XFS refuses a second file system of the same UUID.
  [ "$(blkid -p -o value -s TYPE "$device")" != xfs ] || options=$options,nouuid
  mkdir -p "$mount" || die "$mount can't be made"
  mount -o "$options" "$device" "$mount" || die "$device can't be mounted at $mount"
  echo "$device"
}

away() { # mount
  device=$(findmnt -fno SOURCE --mountpoint "$1") || return 0
  umount "$1" || die "$1 is in use"
  rmdir "$1" 2>/dev/null
  case $(lsblk -dno TYPE "$device") in
    raid*) mdadm --stop "$device" >&2 || die "$device can't be stopped" ;;
    lvm) vgchange -q -an "$(lvs --noheadings -o vg_name "$device" | tr -d ' ')" >&2 || die "the group of $device is in use" ;;
  esac
}

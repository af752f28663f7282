#!/bin/sh
# Tells how a server's data volumes make one file system, in lines of words that tabs part; disks.sh comes before.
#   disk <volume's name> <device>
#   filesystem <mount> <type> <uuid>
#   md <uuid> <name> <level> <stripe in bytes>
#   lvm <group's uuid> <group> <volume's uuid> <volume> <stripe in bytes>
#   member <device>                           of the array or logical volume, in its order
set -u
LC_ALL=C
export LC_ALL

tell() { # word...
  line=$1
  shift
  for word in "$@"; do line="$line	$word"; done
  printf '%s\n' "$line"
}

tell_md() { # array
  detail=$(mdadm --detail --export "$1")
  said() { printf '%s\n' "$detail" | sed -n "s/^$1=//p"; }
  tell md "$(said MD_UUID)" "$(said MD_NAME)" "$(said MD_LEVEL)" "$(cat "/sys/block/${1##*/}/md/chunk_size")"
  printf '%s\n' "$detail" | sed -n 's/^MD_DEVICE_\(.*\)_ROLE=\([0-9]*\)$/\2 \1/p' | sort -n | while read -r _ device; do
    tell member "$(said "MD_DEVICE_${device}_DEV")"
  done
}

tell_lvm() { # logical volume
  columns=vg_uuid,vg_name,lv_uuid,lv_name,stripe_size
  lvs --noheadings --nosuffix --units b --separator '	' -o "$columns" "$1" | sed 's/^ */lvm	/; q'
  lvs --noheadings -o devices "$1" | tr -d ' ' | sed 's/([0-9]*)//g' | tr ',' '\n' | while read -r device; do
    tell member "$device"
  done
}

main() { # mount name:device=volume...
  mount=$1
  shift
  for volume in "$@"; do
    ! disk=$(disk_of "${volume#*:}") || tell disk "${volume%%:*}" "$disk"
  done
  source=$(readlink -f "$(findmnt -fno SOURCE --mountpoint "$mount")") || exit 0
  tell filesystem "$mount" "$(findmnt -fno FSTYPE --mountpoint "$mount")" "$(blkid -p -o value -s UUID "$source")"
  case $(lsblk -dno TYPE "$source") in
    raid*) tell_md "$source" ;;
    lvm) tell_lvm "$source" ;;
    *) tell member "$source" ;;
  esac
}

#!/bin/sh
# Finds a server's data volumes among its block devices. Other scripts are sent to servers behind this one.

# The block device of a volume: EBS gives a volume's id as its serial number, and Xen and Nitro name devices otherwise.
disk_of() { # device=volume
  id=$(printf '%s' "${1#*=}" | tr -d -)
  for found in "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$id" "${1%%=*}" "/dev/xvd${1#/dev/sd}"; do
    [ ! -b "${found%%=*}" ] || { readlink -f "${found%%=*}"; return; }
  done
  return 1
}

number_of() { # disk
  echo "$((0x$(stat -Lc %t "$1"))):$((0x$(stat -Lc %T "$1")))"
}

# The numbers of a disk and of all that is made of it: partitions, arrays, logical volumes.
devices_of() { # major:minor
  echo "$1"
  for above in "/sys/dev/block/$1"/holders/*/dev "/sys/dev/block/$1"/*/partition; do
    [ -r "$above" ] || continue
    (devices_of "$(cat "${above%/*}/dev")")
  done
}

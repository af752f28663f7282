#!/bin/sh
# Makes one machine's tree out of its layers, in namespaces of its own, and becomes its first process. Everything that
# is mounted here is gone with those namespaces, whatever ends them.
# Arguments: the root disk's folder, the machine's address, its hardware id, its volumes as `<name>:<loop device>`, and
# its environment as NAME=value.
# The first line of standard input says that the network is connected; its end says that the gateway is gone.
set -eu

# Says that a tree can't be made, where the machine's console is.
trap '[ "$?" -eq 0 ] || echo "box: the machine can not be made from $1"' EXIT

# Capabilities that would reach the kernel that all machines share: its clock, its modules, its disks.
shared_kernel=-sys_time,-sys_module,-sys_rawio,-mknod,-syslog,-mac_admin,-mac_override

# The layers as one file system; what is written goes to `upper`.
mount_root() {
  lower=engine
  for layer in lower/*; do lower=$lower:$layer; done
  # Without these, a copy of `upper` would not be a layer of its own.
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off,index=off,xino=off" root
}

# Devices that every program expects, and no others. Volumes come when they are attached.
make_devices() {
  mount -t tmpfs -o mode=755,nosuid devices root/dev
  for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "root/dev/${device%:*}" c 1 "${device#*:}"
  done
  mknod -m 666 root/dev/tty c 5 0
  mkdir root/dev/pts root/dev/shm root/dev/mqueue
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts root/dev/pts
  mount -t tmpfs -o mode=1777,nosuid,nodev shm root/dev/shm
  ln -s pts/ptmx root/dev/ptmx
  ln -s /proc/self/fd root/dev/fd
  ln -s /proc/self/fd/0 root/dev/stdin
  ln -s /proc/self/fd/1 root/dev/stdout
  ln -s /proc/self/fd/2 root/dev/stderr
  # The first process's output is a pipe, which can be opened again by its name.
  ln -s /proc/1/fd/1 root/dev/console
  ln -s /proc/1/fd/1 root/dev/ttyS0
  for volume in $1; do
    mknod -m 660 "root/dev/loop${volume#*:}" b 7 "${volume#*:}"
    ln -s "loop${volume#*:}" "root/dev/${volume%:*}"
  done
}

# The kernel's own view of devices, with the hardware of an EC2 instance, by which cloud-init knows where it is.
make_sysfs() {
  mount -t tmpfs -o mode=755,nosuid,nodev sys root/sys
  mkdir -p root/sys/.kernel root/sys/class/dmi/id
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs root/sys/.kernel
  for entry in root/sys/.kernel/*; do
    name=${entry##*/}
    [ "$name" = class ] || ln -s ".kernel/$name" "root/sys/$name"
  done
  for entry in root/sys/.kernel/class/*; do
    name=${entry##*/}
    [ "$name" = dmi ] || ln -s "../.kernel/class/$name" "root/sys/class/$name"
  done
  (
    cd root/sys/class/dmi/id
    echo "$1" | tee product_uuid >product_serial
    echo 'Amazon EC2' | tee sys_vendor bios_vendor board_vendor >chassis_vendor
    echo 'Amazon EC2' >chassis_asset_tag
    echo box >product_name
    echo 1.0 >bios_version
    chmod 400 product_uuid product_serial
  )
}

# Everything else that is no part of a disk.
make_rest() {
  mount -t proc -o nosuid,nodev,noexec proc root/proc
  for path in sys sysrq-trigger irq bus; do
    [ -e "root/proc/$path" ] || continue
    mount --bind "root/proc/$path" "root/proc/$path"
    mount -o remount,bind,ro "root/proc/$path"
  done
  mount -t tmpfs -o mode=755,nosuid,nodev run root/run
  mount -t tmpfs -o mode=1777,nosuid,nodev tmp root/tmp
}

# The private address, with everyone on the same link: who is not there does not answer.
set_address() {
  ip -batch - <<END
link set lo up
address add $1/32 dev eth0
link set eth0 up
route add default dev eth0
END
}

# Its first word says that the namespaces are there.
echo 'box: starts'
read -r _
cd "$1"
address=$2 hardware=$3 volumes=$4
shift 4
hostname localhost
mount_root
make_devices "$volumes"
make_sysfs "$hardware"
make_rest
set_address "$address"
cd root
pivot_root . .
umount -l .
exec env -i "$@" setpriv --bounding-set="$shared_kernel" --inh-caps="$shared_kernel" python3 -I /usr/lib/rekindle-box/init.py

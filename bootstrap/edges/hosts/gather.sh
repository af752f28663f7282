#!/bin/sh
# Gathers a host's configuration: writes one tar to standard output, and nothing to the host's disk.
#
# `rekindle collect` sends this file to a host and appends one line that calls `main`; it needs GNU tar and find, which
# Debian, Ubuntu and Amazon Linux have. The tar holds the files that were asked for, as ./path, and after them, so that
# whoever reads it sees what changed meanwhile:
#   .rekindle/listing   what find sees now, in base64: type, size, time of change and path, each ended by NUL
#   .rekindle/packages  installed packages, one "name version" on each line; absent where nobody knows
#   .rekindle/units     enabled units, one on each line; absent where there is no systemd
#   .rekindle/end       a tar without it was cut short
set -u
LC_ALL=C
export LC_ALL

# How programs are run as root where that needs no password: much configuration is for root's eyes only.
elevation() {
  if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then echo "sudo -n env LC_ALL=C"; fi
}

as_root() {
  # shellcheck disable=SC2086 # several words, or none
  $elevate "$@"
}

# Ends when the host's tools are others than ours.
need_tools() {
  # shellcheck disable=SC2185 # it looks for nothing
  case $(tar --version 2>/dev/null && find --version 2>/dev/null) in
    *GNU\ tar*GNU\ findutils*) ;;
    *)
      echo "rekindle: GNU tar and GNU find are needed on this host" >&2
      exit 69
      ;;
  esac
}

# What is to be said of a starting point before find begins there:
#   there   it is
#   absent  it is not
#   t       the way there leads through a link, and would end outside of what was asked for
#   u       the way there is barred, so nobody can say whether it is there
standing() { # point
  way=$1
  while way=${way%/*} && [ "$way" != . ]; do
    if as_root test -L "$way"; then echo t && return; fi
    if as_root test -d "$way" && ! as_root test -x "$way"; then echo u && return; fi
  done
  if as_root test -e "$1" || as_root test -L "$1"; then echo there; else echo absent; fi
}

# Writes the tar of everything that is included. What vanishes or changes meanwhile is seen in the listing.
files() {
  as_root find -P "$@" -ignore_readdir_race -regextype posix-extended \
    -regex "$exclude" -prune -o \
    -type d \( ! -readable -o ! -executable \) -prune -o \
    -regex "$include" \( -type f -o -type l -o -type d \) -print0 |
    as_root tar --create --file=- --format=pax --blocking-factor=1 --no-recursion --hard-dereference \
      --null --verbatim-files-from --files-from=-
}

# What there is now, of every type; type u is a folder that can't be read, and ! is how find ended.
listing() {
  [ $# -eq 0 ] || as_root find -P "$@" -ignore_readdir_race -regextype posix-extended \
    -regex "$exclude" -prune -o \
    -type d \( ! -readable -o ! -executable \) -printf 'u\0%s\0%C@\0%p\0' -prune -o \
    -regex "$include" -printf '%y\0%s\0%C@\0%p\0'
  printf '!\0%s\0\0\0' $?
}

# The same for a starting point that find can't begin at.
barred() { # t|u point
  printf '%s\0000\0000\0%s\0' "$1" "$2"
}

# Installed packages; fails where there is no package manager that we know.
packages() {
  if [ -s "$root/var/lib/dpkg/status" ] && command -v dpkg-query >/dev/null; then
    dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status} ${binary:Package} ${Version}\n' |
      sed -n 's/^installed //p'
  elif [ "$root" = "" ] && command -v rpm >/dev/null; then
    rpm -qa --qf '%{NAME} %{EVR}.%{ARCH}\n'
  else
    return 1
  fi
}

# Enabled units. Where systemd does not run, such as in a container or a folder, they are what its links say: asking
# systemctl there takes a hundred times as long, for it reads every unit.
units() {
  if [ "$root" = "" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then
    found=$(systemctl list-unit-files --state=enabled --no-legend --no-pager --full 2>/dev/null) || return 1
    printf '%s\n' "$found" | sed 's/[[:space:]].*//'
  elif [ -d ./etc/systemd/system ]; then
    as_root find ./etc/systemd/system -type l \( -path '*.wants/*' -o -path '*.requires/*' \) | sed 's|.*/||'
  else
    return 1
  fi
}

# By the shell itself: a program for each would take longer than everything else here.
zeros() { # count
  left=$1
  while [ "$left" -ge 16 ]; do
    printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
    left=$((left - 16))
  done
  while [ "$left" -gt 0 ]; do
    printf '\0'
    left=$((left - 1))
  done
}

# A tar's header (ustar) of a small file.
header() { # name size checksum
  printf '%s' "$1"
  zeros $((100 - ${#1}))
  printf '0000644\0%07d\0%07d\0%011o\0%011o\0%s0' 0 0 "$2" 0 "$3"
  zeros 100
  printf 'ustar\00000'
  zeros 247
}

# Puts a text into the tar as a file of its own.
member() { # name text
  sum=$(header "$1" ${#2} '        ' | od -An -v -tu1 | awk '{ for (i = 1; i <= NF; i++) sum += $i } END { print sum }')
  header "$1" ${#2} "$(printf '%06o  ' "$sum")"
  printf '%s' "$2"
  zeros $(((512 - ${#2} % 512) % 512))
}

# The folder that is the host's root, empty for the real one; regular expressions of paths; where to start.
main() { # root include exclude point...
  root=$1 include=$2 exclude=$3
  shift 3
  elevate=$(elevation)
  need_tools
  cd "$root/" || exit 66
  # The points that find can begin at take the place of the given ones, one by one.
  given=$# barred=
  while [ "$given" -gt 0 ]; do
    point=$1
    shift
    given=$((given - 1))
    standing=$(standing "$point")
    case $standing in
      there) set -- "$@" "$point" ;;
      t | u) barred="$barred$(barred "$standing" "$point" | base64 -w 0)
" ;;
    esac
  done
  if [ $# -gt 0 ]; then files "$@"; fi
  member .rekindle/listing "$barred$(listing "$@" | base64 -w 0)"
  if found=$(packages); then member .rekindle/packages "$found"; fi
  if found=$(units); then member .rekindle/units "$found"; fi
  member .rekindle/end ''
  zeros 1024
}

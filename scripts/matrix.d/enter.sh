#!/bin/sh
# Runs a command inside a Debian folder: enter.sh ROOT RUST REGISTRY [NAME=VALUE …] COMMAND [ARGUMENT …]
#
# `unshare` starts it in mount and process namespaces of its own. So the mounts are invisible to the rest of
# the machine and are gone with the last process, killed or not: removing ROOT can never reach the host's
# /dev or its cargo registry through a mount that a crashed run left behind.
set -eu
root=$1 rust=$2 registry=$3
shift 3

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
# PostgreSQL's shared memory; the host's would keep what a killed server leaves.
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
mount --bind "$rust" "$root/opt/rust"
mount -o remount,bind,ro "$root/opt/rust"
mount --bind "$registry" "$root/opt/cargo/registry"

# No exec: this shell is process 1 and has to reap what tests leave, or a process that a test waits for
# would stay a zombie for ever.
status=0
chroot "$root" /usr/bin/env -i --chdir=/multicorn "$@" || status=$?
exit "$status"

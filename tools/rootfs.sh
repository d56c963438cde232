#!/bin/sh
# tools/rootfs.sh FOLDER: an arm64 Debian with sshd, as a device for tests/ssh, made once. Needs mmdebstrap, as root.
# Nothing of it runs here but by qemu-user under proot; without maintainer scripts, so the few files that they would write are written below.
set -eu
folder=$1
suite=bookworm
mirror=$("$(dirname "$0")/mirror.sh" "$suite")
packages=openssh-server,openssh-sftp-server,python3,dash,coreutils,bash,libc-bin,base-files,base-passwd,sed,grep
[ "$(cat "$folder/complete" 2>/dev/null)" = "$packages" ] && exit 0
rm -rf "$folder" "$folder.new"
mmdebstrap --quiet --arch=arm64 --variant=extract --mode=root --skip=check/qemu --include="$packages" "$suite" "$folder.new" "$mirror"
root=$folder.new
mkdir -p "$root/root" "$root/run/sshd" "$root/tmp" "$root/var/tmp"
chmod 1777 "$root/tmp" "$root/var/tmp"
printf 'root:x:0:0:root:/root:/bin/bash\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n' >"$root/etc/shadow"
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' >"$root/etc/nsswitch.conf"
echo "$packages" >"$root/complete"
mv "$root" "$folder"

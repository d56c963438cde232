#!/bin/sh
# Install what `make test` needs beside Python packages. Does nothing where everything is there.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need cc gcc
need clang clang
need clang-format clang-format
need flatc flatbuffers-compiler
need qemu-aarch64 qemu-user
ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-* >/dev/null 2>&1 || missing="$missing libclang-rt-14-dev"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "the tests need:$missing" >&2
    echo "on Debian or Ubuntu: sudo apt-get install$missing" >&2
    exit 1
fi

#!/bin/sh
# Install what `make test` needs beside Python packages, and with the word all what `make test-all` does. Does nothing where everything is there.
set -eu
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need cc gcc
need clang clang
need clang-format clang-format
need flatc flatbuffers-compiler
need qemu-aarch64 qemu-user
need arm-none-eabi-gcc gcc-arm-none-eabi
need qemu-system-arm qemu-system-arm
need readelf binutils
need strace strace
need openssl openssl
need shellcheck shellcheck
need ssh openssh-client
PATH="$PATH:/usr/sbin" need sshd openssh-server
need busybox busybox-static
need proot proot
need mmdebstrap mmdebstrap
need qemu-aarch64-static qemu-user-static
need fish fish
need csh csh
need tcsh tcsh
if [ "${1:-}" = all ]; then
    need qemu-system-aarch64 qemu-system-arm
    PATH="$PATH:/usr/sbin" need mke2fs e2fsprogs
fi
[ -f "$(arm-none-eabi-gcc -print-file-name=rdimon.specs 2>/dev/null)" ] || missing="$missing libnewlib-arm-none-eabi"
[ -x /lib/systemd/systemd ] || missing="$missing systemd"
# libFuzzer and the sanitizers are a package of their own, named by the major version of the clang that is there.
has_fuzzer() { ls "$(clang -print-resource-dir 2>/dev/null || echo /nowhere)"/lib/*/libclang_rt.fuzzer* >/dev/null 2>&1; }
clang_major() { clang -dumpversion 2>/dev/null || apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-//p'; }
fuzzer_package() { echo "libclang-rt-$(clang_major | cut -d. -f1)-dev"; }
# The tests run sshd in folders of their own: as a service it stays off where it was not there before.
install() {
    policy=/usr/sbin/policy-rc.d
    case " $* " in *" openssh-server "*) ;; *) policy= ;; esac
    if [ -e "${policy:-/}" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"; fi
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null || { [ -z "$policy" ] || rm -f "$policy"; exit 1; }
    [ -z "$policy" ] || rm -f "$policy"
    case " $* " in *" openssh-server "*) systemctl disable --quiet ssh.service ssh.socket 2>/dev/null || : ;; esac
}
[ -z "$missing" ] && has_fuzzer && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install $missing
    has_fuzzer || apt-get install -y -qq --no-install-recommends "$(fuzzer_package)" >/dev/null
else
    has_fuzzer || missing="$missing $(fuzzer_package)"
    echo "the tests need:$missing" >&2
    echo "on Debian or Ubuntu: sudo apt-get install$missing" >&2
    exit 1
fi

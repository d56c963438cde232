#!/bin/sh
# tools/mirror.sh SUITE: the mirror of a Debian suite that apt of this machine uses, or that EDGEQ_DEBIAN_MIRROR names.
set -eu
# shellcheck disable=SC2016 # the words are apt's
known() { apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' 'Component: main' 2>/dev/null; }
mirror=${EDGEQ_DEBIAN_MIRROR:-$(known | sed -n "s/^$1 //p" | head -n 1)}
[ -n "$mirror" ] || { echo "$0: apt knows no mirror of Debian $1: name one in EDGEQ_DEBIAN_MIRROR" >&2; exit 1; }
echo "$mirror"

# Runs on the device, in any POSIX shell: find the agent, or take it from the channel, and become it. bootstrap.py is the other end.
# Set before: nonce, sum (SHA-256 of the agent), size (bytes), need (KiB of disk), passing (1: leave nothing on the disk; an agent that
# has to be sent goes into memory and is removed when it ends).
# Answers are lines "edgeq-NONCE WORD ...": send (give me the file), place (why this one will not do), none, lack (of tools), run.
say() { echo; echo "edgeq-$nonce $*"; }

mask=$(umask)
umask 077
name=edgeq-agent-$sum
lack=
for tool in cat chmod head id ls mkdir mv rm; do
    command -v $tool >/dev/null 2>&1 || lack="$lack $tool"
done
uid=$(id -u 2>/dev/null)

digest() {
    digest_line=$({
        sha256sum "$1" || busybox sha256sum "$1" || openssl dgst -sha256 -r "$1" ||
            python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
    } 2>/dev/null </dev/null)
    echo "${digest_line%% *}"
}
case $(digest /dev/null) in
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855) ;;
*) lack="$lack sha256sum (or busybox, openssl, python3)" ;;
esac
if [ -n "$lack" ]; then
    say lack "$lack"
    exit 1
fi

# A folder that nobody else may change; else the reason in $why.
own() {
    if [ -h "$1" ]; then
        why="it is a link"
        return 1
    fi
    set -- "$1" $(ls -ldn "$1" 2>/dev/null)
    case $2 in
    d????-??-*) ;;
    d*) why="others may write there" ;;
    *) why="it is no folder" ;;
    esac
    [ -n "$why" ] || [ "$4" = "$uid" ] || why="it belongs to user $4"
    [ -z "$why" ]
}

# Make the folder; look whether there is room and whether programs start there.
ready() {
    why=
    case $1 in
    */edgeq-agents-"$uid")
        case $(ls -ldn "${1%/*}/" 2>/dev/null) in
        d????????[tT]*) ;;
        d*) why="anybody may rename what lies in ${1%/*}" ;;
        *) why="there is no ${1%/*}" ;;
        esac
        [ -z "$why" ] || return 1
        ;;
    esac
    why=$(mkdir -p "$1" 2>&1)
    why=${why##*: }
    [ -z "$why" ] && own "$1" || return 1
    room=$(df -Pk "$1" 2>/dev/null | { read -r first; read -r first used_1 used_2 free rest; echo "$free"; })
    if [ "${room:-$need}" -lt "$need" ] 2>/dev/null; then
        why="no space: $room KiB are free, $need are needed"
        return 1
    fi
    why=$({ printf '#!/bin/sh\nexit 0\n' >"$1/.try-$$"; } 2>&1)
    why=${why##*: }
    if [ -z "$why" ]; then
        chmod 700 "$1/.try-$$"
        "$1/.try-$$" 2>/dev/null </dev/null || why="programs may not be started there (noexec)"
    fi
    rm -f "$1/.try-$$" 2>/dev/null
    [ -z "$why" ]
}

# Become the agent; returns where it does not start.
run() {
    why=$("$1" --version 2>&1 </dev/null) || {
        why="the agent does not start there: ${why##*: }"
        return 1
    }
    umask "$mask"
    say run
    if [ "$2" = once ]; then
        trap : HUP
        "$1"
        code=$?
        rm -f "$1"
        rmdir "${1%/*}" 2>/dev/null
        exit "$code"
    fi
    exec "$1"
}

# What killed transfers left, and agents of other versions but the two newest.
tidy() {
    for old in "$1"/.new-* "$1"/.try-*; do
        kill -0 "${old##*-}" 2>/dev/null || rm -f "$old"
    done
    count=0
    ls -t "$1" | while read -r old; do
        case $old in
        "$name") ;;
        edgeq-agent-*)
            count=$((count + 1))
            [ $count -le 2 ] || rm -f "$1/$old"
            ;;
        esac
    done
}

take() {
    ready "$1" || return 1
    tidy "$1"
    say send
    head -c "$size" | { cat >"$1/.new-$$" 2>/dev/null || cat >/dev/null; }
    if [ "$(digest "$1/.new-$$")" != "$sum" ]; then
        set -- "$1" $(ls -ln "$1/.new-$$" 2>/dev/null)
        rm -f "$1/.new-$$"
        why="no space: ${6:-0} of $size bytes could be written"
        [ "${6:-0}" != "$size" ] || why="the agent arrived damaged"
        return 1
    fi
    chmod 700 "$1/.new-$$"
    { sync "$1/.new-$$" || sync; } 2>/dev/null
    mv -f "$1/.new-$$" "$1/$name"
    { sync "$1" || sync; } 2>/dev/null
    once=
    [ "$passing" = 1 ] && once=once
    run "$1/$name" $once
    rm -f "$1/$name"
    return 1
}

home=
case $HOME in /*) home=$HOME/.local/share ;; esac
case $XDG_DATA_HOME in /*) home=$XDG_DATA_HOME ;; esac
case $XDG_RUNTIME_DIR in /*) runtime=$XDG_RUNTIME_DIR ;; *) runtime= ;; esac
memory() {
    [ -z "$runtime" ] || "$1" "$runtime/edgeq-agents"
    "$1" "/dev/shm/edgeq-agents-$uid"
}
each() {
    [ -z "$home" ] || "$1" "$home/edgeq/agents"
    [ -z "$runtime" ] || "$1" "$runtime/edgeq-agents"
    "$1" "/var/tmp/edgeq-agents-$uid"
    "$1" "/dev/shm/edgeq-agents-$uid"
    "$1" "/tmp/edgeq-agents-$uid"
}
cached() {
    why=
    [ -f "$1/$name" ] && [ ! -h "$1/$name" ] && own "$1" && [ "$(digest "$1/$name")" = "$sum" ] && run "$1/$name"
}
place() {
    take "$1" && return
    case $1 in */edgeq-agents*) rmdir "$1" 2>/dev/null ;; esac
    say place "$1: $why"
}

each cached
[ "$passing" != 1 ] || memory place
each place
say none
exit 1

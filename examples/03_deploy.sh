#!/bin/sh
# From a trained network to a model on a board: quantized, deployed, scored on the board itself, and gone back from.
#
#     examples/03_deploy.sh [BOARD]    # as --board has it: local (default), sim:raspberrypi4, pi@kitchen.local, a device of edgeq.toml
#
# A second version follows the first; where its score on the board is too low, the script goes back by itself. In the end it goes back by
# hand, so that you see it: version 1 runs, version 2 stays beside it. The exit code is that of the step that failed (docs/errors.md).
set -u
board=${1:-local}
model=digits
least=98%
data=$(dirname "$0")/digits
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

say() { echo "$0: $*" >&2; }

quantize() { # CALIBRATOR FILE
    edgeq quantize "$data/digits.onnx" --calibration "$data/calibration.npz" --calibrator "$1" --name $model -o "$2"
}

# FILE. Sending the same file again is safe: an upload that was cut goes on where it stopped, and a file that is there changes nothing.
deploy() {
    for pause in 2 5 0; do
        edgeq deploy "$1" --name $model --board "$board"
        code=$?
        if [ $code != 4 ] || [ $pause = 0 ]; then break; fi
        say "$board cannot be reached; again in $pause s"
        sleep $pause
    done
    case $code in
    0) ;;
    3) say "the file does not fit $board: nothing was sent" ;;
    4) say "$board cannot be reached: it runs what it ran before; run this again when it is back" ;;
    5) say "the new version failed its self-test on $board: the old version runs" ;;
    6) say "$board takes only files that are signed by its key: edgeq sign FILE --counter N --key KEY" ;;
    8) say "the disk of $board failed in the switch: mend it, then deploy again" ;;
    9) say "$board fell silent in the switch: the old or the new version runs, this tells which" && edgeq status --board "$board" ;;
    *) say "nothing was deployed" ;;
    esac
    return "$code"
}

# The score of what is deployed, computed by the board; 10 where it is below the least.
score() { edgeq eval $model --data "$data/test.npz" --board "$board" --min $least; }

go_back() {
    edgeq rollback $model --board "$board" && return
    code=$?
    [ $code = 8 ] && say "the version before is damaged or fails its self-test: the new one still runs; deploy a good file"
    return "$code"
}

quantize minmax "$work/first.eqm" && quantize mse "$work/second.eqm" || exit
deploy "$work/first.eqm" && score || exit
deploy "$work/second.eqm" || exit
score || {
    code=$?
    [ $code = 10 ] && say "version 2 scores below $least on $board: going back" && go_back
    exit $code
}
go_back && edgeq status --board "$board"

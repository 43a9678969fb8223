#!/usr/bin/env bash
# The Friday evening of the page for instructors, done: `machines/friday.sh > machines/friday.txt` makes what the page
# shows. It makes a class of forty in an empty folder, grades it, lets two students hand in again, forgives a third a
# semicolon, and grades it once more.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
class=$work/friday
labs=first-contact,tcp-echo
cargo run --quiet --package grader --example class -- make "$class" --students 24 --labs $labs >/dev/null
entries=$class/submissions

# A command as the page shows it, and what it prints: the first words of long lines, and of many like lines two.
run() {
    echo "\$ cargo grade run friday/submissions --out grades --roster friday/roster.csv --labs $labs${1:+ $1}"
    cargo grade run "$entries" --out "$work/grades" --roster "$class/roster.csv" --labs $labs "$@" 2>&1 |
        sed -e "s|$work/||g" -e 's/\( +[a-z_]*\)\{3,\}$/\1 […]/' |
        awk '/^ *[0-9]+ of [0-9]+  / { n++; last = $0; if (n <= 2) print; next }
             n > 2 { print "[…]"; print last; n = 0 } { print }'
}

# ANCHOR is for the page, which includes each part by itself.
echo "# ANCHOR: evening"
run
echo "\$ sed -n '1p; /odd-r/p; /hostile-i/p; /s001[67]/p' grades/grades.csv"
sed -n '1p; /odd-r/p; /hostile-i/p; /s001[67]/p' "$work/grades/grades.csv"
echo "# ANCHOR_END: evening"

cp "$entries"/alderada_*.zip "$(echo "$entries"/aldergrace_*.zip)"
rm "$entries/odd-rar.rar"
cp "$entries"/alderada_*.zip "$entries/odd-rar.zip"
echo 'student,lab,points,reason
s0017,first-contact,+4,"a semicolon was missing; the rest is right"' >"$work/grades/adjustments.csv"
echo "# ANCHOR: sunday"
run --resume
echo "# ANCHOR_END: sunday"

#!/usr/bin/env bash
# Grades a small made-up class twice, in one go and as a Slurm array on a cluster of one node, and compares the grades.
#
#     machines/slurm-on-one-machine.sh [--requeue]
#
# With --requeue a task is put back into the queue when it has judged something, and has to go on from there.
#
# The cluster is made of Debian's packages, which are installed where they are missing. Everything else lies in a folder
# of its own and is removed with it; the daemons listen on loopback and end with this script. Needs Debian, root and
# bubblewrap, and no systemd. What it prints is kept in slurm.txt, for the book:
#
#     make slurm REQUEUE=--requeue >machines/slurm.txt
set -euo pipefail
cd "$(dirname "$0")/.."

parts=3
deadline=$((SECONDS + 1200))
say() { printf '%s\n' "$*"; }
fail() { say "FAILED  $*" >&2; exit 1; }
# Tries a command twice a second until it succeeds.
until_it() {
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "in 20 minutes not: $*"
        sleep 0.5
    done
}

[ "$(id -u)" = 0 ] || fail "run it as root: Slurm's daemons switch users"
command -v bwrap >/dev/null || fail "bubblewrap is missing: apt-get install bubblewrap"
missing=()
for program in munged:munge slurmctld:slurm-wlm slurmd:slurm-wlm sbatch:slurm-wlm; do
    command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    say "Installing ${missing[*]}, to stay"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install --yes -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/wirelab-slurm-XXXXXX")
daemons=()
stop() {
    local status=$? pid
    trap - EXIT INT TERM
    set +e
    if [ "$status" != 0 ]; then
        tail -n 15 "$dir"/log/* >&2 2>/dev/null
    fi
    if [ ${#daemons[@]} -gt 0 ]; then
        # What runs first, so that nothing of it is left without its daemon.
        timeout 10 scancel --user=root 2>/dev/null
        for _ in $(seq 60); do
            [ -n "$(timeout 10 squeue --noheader 2>/dev/null)" ] || break
            sleep 0.5
        done
    fi
    for ((n = ${#daemons[@]} - 1; n >= 0; n--)); do
        pid=${daemons[n]}
        kill "$pid" 2>/dev/null
        for _ in $(seq 20); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.5
        done
        kill -9 "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    rm -rf "$dir"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT TERM
# Root grades as somebody else, who has to come in.
chmod 755 "$dir"
mkdir "$dir"/{log,state,spool}

export WIRELAB_SECRET="a secret of the class"
# All tasks run here, so the course's own folder serves them all.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
# Few at a time: then there is something left to do whenever a task is put back.
options=("$dir/class/submissions" --roster "$dir/class/roster.csv" --labs first-contact --jobs 1)

say "A class"
class() { cargo run --quiet --package grader --example class -- "$@"; }
class make "$dir/class" --students 24 --tame --labs first-contact >"$dir/log/class"
cargo grade run "${options[@]}" --out "$dir/alone" >"$dir/log/alone" 2>&1
judged() { cat "$@" | wc -l; }
say "  graded in one go, programs judged: $(judged "$dir/alone/journal.jsonl")"

# The daemon that this starts is alone in its session: Ctrl-C is for this script, which stops it in its turn.
daemon() {
    local name=$1
    shift
    setsid "$@" >"$dir/log/$name" 2>&1 &
    daemons+=($!)
}
# Below the ports that the system gives out by itself.
free_port() {
    local port
    while port=$((RANDOM % 12000 + 20000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    say "$port"
}
host=$(hostname -s)
cat >"$dir/slurm.conf" <<CONF
ClusterName=wirelab
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
# A task that is put back waits as long as credentials last.
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2
KillWait=5
MinJobAge=86400
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc)
PartitionName=all Nodes=ALL Default=YES
CONF
export SLURM_CONF=$dir/slurm.conf

say "A cluster"
head -c 1024 /dev/urandom >"$dir/munge.key"
chmod 400 "$dir/munge.key"
daemon munged munged --foreground --key-file "$dir/munge.key" --socket "$dir/munge.socket" \
    --pid-file "$dir/munge.pid" --log-file "$dir/log/munge" --seed-file "$dir/munge.seed"
until_it test -S "$dir/munge.socket"
daemon slurmctld slurmctld -D
daemon slurmd slurmd -D
is_idle() { [ "$(sinfo --noheader --format=%T)" = idle ]; }
until_it is_idle
say "  $(slurmd -V), one node, $(nproc) processors"

say "An array of $parts, and the merge after it"
array=$(sbatch --parsable --array="1-$parts" --cpus-per-task=1 --output="$dir/log/part-%a" \
    machines/slurm.sh "$dir/parts" "${options[@]}")
merge=$(sbatch --parsable --dependency="afterok:$array" --output="$dir/log/merge" \
    machines/slurm-merge.sh "$dir/parts" "$dir/grades")

if [ "${1:-}" = --requeue ]; then
    part=2
    journal=$dir/parts/part-$part/journal.jsonl
    until_it test -s "$journal"
    scontrol requeue "${array}_$part"
    say "  task $part put back, programs judged so far: $(judged "$journal")"
fi

state() { scontrol --oneliner show job "$merge" | sed 's/.* JobState=\([A-Z_]*\).*/\1/'; }
is_over() { case $(state) in PENDING | RUNNING | COMPLETING | CONFIGURING) return 1 ;; esac; }
until_it is_over
squeue --array --states=all --sort=i --format='  %.6i  %13j  %9T  %M'
[ "$(state)" = COMPLETED ] || fail "the merge is $(state)"
if [ "${1:-}" = --requeue ]; then
    scontrol --oneliner show job "${array}_$part" | grep --quiet ' Restarts=1 ' || fail "task $part was not put back"
fi

say "The grades"
class verify "$dir/class" "$dir/grades" >"$dir/log/verify" || fail "a row is wrong"
say "  every row is what the class was made to earn"
[ "$(judged "$dir"/parts/part-*/journal.jsonl)" = "$(judged "$dir/alone/journal.jsonl")" ] || fail "something was judged twice"
say "  programs judged: $(judged "$dir/grades/journal.jsonl"), none of them twice"
cmp "$dir/alone/grades.csv" "$dir/grades/grades.csv"
say "  grades.csv as in one go, byte for byte"
# No two runs take the same time, or get the same ports and reads to tell of.
plain() { sed -E '/"(seconds|message)":/d' "$1"; }
cmp <(plain "$dir/alone/grades.json") <(plain "$dir/grades/grades.json")
say "  grades.json as in one go, but for times and transcripts"
mkdir "$dir/again"
cp "$dir/grades/journal.jsonl" "$dir/again"
cargo grade run "${options[@]}" --out "$dir/again" --resume >"$dir/log/again" 2>&1
rm -f "$dir/again/changes.csv"
diff --recursive "$dir/grades" "$dir/again"
say "  all $(find "$dir/grades" -type f | wc -l) files as in one go from the same verdicts, byte for byte"

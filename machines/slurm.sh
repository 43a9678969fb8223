#!/usr/bin/env bash
# Grades a class as a Slurm array, a part a task. Submit it in the course's folder, on a file system that all nodes
# share, with WIRELAB_SECRET in the environment. It takes the folder for the parts, the submissions, and whatever else
# `cargo grade run` is to be told:
#
#     sbatch machines/slurm.sh parts class/submissions --roster class/roster.csv
#
# Submitted again, it goes on from what is in the parts, as a task does that Slurm has put back into its queue.
#SBATCH --job-name=wirelab-part
#SBATCH --array=1-4
#SBATCH --cpus-per-task=2
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

# Each node builds for itself, at the same path: cargo takes no lock on NFS, and a run clears away what no process of
# its own machine uses.
if [ -z "${CARGO_TARGET_DIR:-}" ]; then
    CARGO_TARGET_DIR=/tmp/wirelab-$(id -u)
    export CARGO_TARGET_DIR
    mkdir -p "$CARGO_TARGET_DIR"
    [ -O "$CARGO_TARGET_DIR" ] # Nobody else's.
fi

parts=$1
shift
# All nodes must judge behind the same walls. Where none can have bubblewrap's, SANDBOX says by which they do.
exec cargo grade run --resume --sandbox "${SANDBOX:-bubblewrap}" \
    --out "$parts/part-$SLURM_ARRAY_TASK_ID" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    "$@"

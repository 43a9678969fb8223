#!/usr/bin/env bash
# Joins the parts of machines/slurm.sh once all of them are there. ARRAY is the number that sbatch gave the array:
#
#     sbatch --dependency=afterok:ARRAY machines/slurm-merge.sh parts grades
#SBATCH --job-name=wirelab-merge
#SBATCH --time=00:30:00
#SBATCH --kill-on-invalid-dep=yes
set -euo pipefail

exec cargo grade merge --out "$2" "$1"/part-*

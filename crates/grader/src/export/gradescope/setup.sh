#!/usr/bin/env bash
# Gradescope runs this once, as root, while it makes the image. It installs what is missing, builds the grader, and
# compiles the checks, so that no submission waits for them.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
cd "$root/source/course"

packages=()
command -v bwrap >/dev/null || packages+=(bubblewrap)
command -v cc >/dev/null || packages+=(build-essential)
command -v curl >/dev/null || packages+=(curl ca-certificates)
if [ ${#packages[@]} -gt 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi
if ! command -v cargo >/dev/null; then
    # Where every user can read it: submissions are compiled as nobody in particular.
    export RUSTUP_HOME=/opt/rust/rustup CARGO_HOME=/opt/rust/cargo PATH="/opt/rust/cargo/bin:$PATH"
    curl -sSf https://sh.rustup.rs | sh -s -- -y --quiet --no-modify-path --profile minimal
fi

# A grader that is there already is not built again.
[ -n "${GRADER:-}" ] || cargo build --quiet --locked --release --package grader
"${GRADER:-${CARGO_TARGET_DIR:-target}/release/grader}" prepare @TOPICS@
chmod -R a+rX "$root/source"
chmod 600 "$root/source/secret"

#!/usr/bin/env bash
# Makes sure that what judges is what was given out: takes away every file that was not, since a new one may change how
# cargo works as well, and holds those that judge against the list of their hashes.
#
# It takes files away only where GitHub runs it, in a copy of its own. By hand it says which it would, and ends with 2.
set -euo pipefail
cd "$(dirname "$0")/.."
keep=$(mktemp)
others=$(mktemp)
trap 'rm -f "$keep" "$others"' EXIT
cut --characters=67- .github/given.sha256 | cat - .github/others | tr '\n' '\0' | LC_ALL=C sort --zero-terminated >"$keep"
find . \( -path ./.git -o -path ./.github \) -prune -o ! -type d -printf '%P\0' |
    LC_ALL=C sort --zero-terminated |
    LC_ALL=C comm -23 --zero-terminated - "$keep" >"$others"
if [ "${GITHUB_ACTIONS:-}" != true ] && [ -s "$others" ]; then
    echo "These files were not given out. GitHub would take them away in its copy; here they stay:" >&2
    xargs --null printf '  %q\n' <"$others" >&2
    exit 2
fi
xargs --null --no-run-if-empty printf 'Taken away, since it was not given out: %q\n' <"$others"
xargs --null --no-run-if-empty rm -f -- <"$others"
if ! changed=$(sha256sum --check --quiet .github/given.sha256 2>/dev/null); then
    echo "What judges is not as it was given out, so nothing is judged:" >&2
    printf '%s\n' "$changed" | sed 's/^/  /' >&2
    echo "Put each of these files back as it was in the first commit, for FILE with" >&2
    echo "  git checkout \$(git rev-list --max-parents=0 HEAD) -- FILE" >&2
    exit 1
fi

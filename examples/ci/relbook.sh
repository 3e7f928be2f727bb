#!/usr/bin/env bash
# Records one fact with relbook, or asks a gate, from any CI job. Also what action.yml runs.
#
#   RELBOOK_BOOK=/srv/book RELBOOK_KEY="$SECRET" \
#   RECORD=check COMPONENT=api SUITE=unit RESULT="$outcome" bash relbook.sh
#
# What is needed and empty ends the job with exit code 2, and nothing is recorded: an unset
# variable is never a success. The commit, the run and who started it come from the CI system's
# own variables unless they are given.
set -euo pipefail

fail() {
    echo "relbook: $1; nothing was recorded" >&2
    exit 2
}

# need NAME...: each must be set and not empty.
need() {
    local name
    for name in "$@"; do
        [ -n "${!name:-}" ] || fail "$name is empty or not set, and RECORD=$RECORD needs it"
    done
}

args=()

# give FLAG NAME...: passes the variables that are set.
give() {
    local name flag
    for name in "$@"; do
        flag="--$(printf '%s' "$name" | tr 'A-Z_' 'a-z-')"
        if [ -n "${!name:-}" ]; then args+=("$flag" "${!name}"); fi
    done
}

[ -n "${RECORD:-}" ] || fail "RECORD is empty; say build, tag, check, ingest, deploy, publish or gate"
# Without a key the book's admin key would sign: a job that does not get the secret records nothing.
need RELBOOK_KEY
for name in RELBOOK_BOOK RELBOOK_SPOOL; do
    [ -n "${!name:-}" ] || unset "$name"
done

case "$RECORD" in
build)
    need COMPONENT VERSION DIGEST
    args=(append build)
    give COMPONENT VERSION DIGEST COMMIT BRANCH PLATFORMS
    ;;
tag)
    need COMPONENT
    args=(append tag)
    give COMPONENT TAG COMMIT
    ;;
check)
    need COMPONENT SUITE RESULT
    case "$RESULT" in
    success | pass) RESULT=pass ;;
    failure | fail) RESULT=fail ;;
    inconclusive) ;;
    # A step that was skipped or cancelled proves nothing.
    *) fail "RESULT is \`$RESULT\`, neither success nor failure" ;;
    esac
    # A check of nothing counts for nothing; CI systems name the commit of the job.
    [ -n "${DIGEST:-}${COMMIT:-}${GITHUB_SHA:-}${CI_COMMIT_SHA:-}${GIT_COMMIT:-}${BUILDKITE_COMMIT:-}${CIRCLE_SHA1:-}${BUILD_SOURCEVERSION:-}" ] ||
        fail "a check needs COMMIT or DIGEST"
    args=(append check)
    give COMPONENT SUITE RESULT STAGE DIGEST COMMIT DURATION_S
    ;;
ingest)
    need COMPONENT FILES
    args=(ingest)
    give COMPONENT VERSION DIGEST STAGE SUITE COMMAND_LINE EXIT_CODE
    # One file a word; names with blanks are passed by calling relbook itself.
    read -r -a files <<<"$FILES"
    args+=("${files[@]}")
    ;;
deploy)
    need COMPONENT STAGE DIGEST OUTCOME
    case "$OUTCOME" in
    success | succeeded) OUTCOME=succeeded ;;
    failure | failed) OUTCOME=failed ;;
    cancelled | aborted) OUTCOME=aborted ;;
    *) fail "OUTCOME is \`$OUTCOME\`, neither success, failure nor cancelled" ;;
    esac
    [ "$OUTCOME" = succeeded ] || need RESTORED
    args=(append deploy)
    give COMPONENT STAGE DIGEST VERSION ENVIRONMENT TARGETS DEPLOY_ID WEIGHT REASON OUTCOME RESTORED
    ;;
publish)
    need COMPONENT VERSION DIGEST
    args=(append publish)
    give COMPONENT VERSION DIGEST CHANNEL APP_VERSION COMMIT
    ;;
gate)
    need COMPONENT TO
    [ -n "${VERSION:-}${DIGEST:-}" ] || fail "a gate needs VERSION or DIGEST"
    args=(gate "$COMPONENT" "${DIGEST:-$VERSION}" --record)
    give TO
    ;;
*)
    fail "RECORD is \`$RECORD\`; say build, tag, check, ingest, deploy, publish or gate"
    ;;
esac

exec "${RELBOOK:-relbook}" "${args[@]}"

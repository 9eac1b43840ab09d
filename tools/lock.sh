#!/bin/sh
# Renews uv.lock and the requirements files made from it. `tools/lock.sh --upgrade` takes newer versions.
set -eu
cd "$(dirname -- "$0")/.."
uv lock --quiet --default-index https://pypi.org/simple "$@"
uv export --quiet --frozen --no-header --no-emit-project --no-default-groups -o requirements.txt
uv export --quiet --frozen --no-header --no-emit-project --only-dev -o requirements-test.txt

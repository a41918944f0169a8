#!/bin/sh
# Install the server from this source tree into a new environment at $1: `deploy/image/install.sh /opt/lineal`.
#
# The image is made by it, and a test makes the same environment without a container engine. Every package comes at its locked
# version and hash; what builds our own wheels, and pip itself, stay out of the result.
set -eu
prefix=$1
python=${PYTHON:-python3}
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.lock
"$work/build/bin/python" -m pip wheel --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation \
  --wheel-dir "$work/wheels" ./client .

"$python" -m venv "$prefix"
"$prefix/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/server.lock
"$prefix/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-index --no-deps "$work"/wheels/*.whl
"$prefix/bin/python" -m pip uninstall --quiet --yes pip

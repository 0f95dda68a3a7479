#!/bin/sh
# Installs a lock file into the image's environment: nothing that isn't in it, nothing whose content differs.
#   install.sh REQUIREMENTS
set -eu
site=/opt/venv/lib/python3.11/site-packages

UV_NO_CACHE=1 /opt/build/bin/uv pip install --quiet --python /opt/venv/bin/python --no-deps --require-hashes --requirement "$1"

# The tests of these libraries, C headers and Ray's Java side: 150 MB that no pod reads.
for library in matplotlib numpy pandas pyarrow scipy sklearn; do
  if [ -d "$site/$library" ]; then find "$site/$library" -type d -name tests -prune -exec rm -rf {} +; fi
done
rm -rf "$site/pyarrow/include" "$site/ray/jars"

# Compiled here, because a pod's file system is read-only: without this, every start would compile every import anew.
# Only what is new: a layer must not carry again what the one below has.
/opt/venv/bin/python -m compileall -q -j 0 "$site" >/dev/null || true

#!/bin/sh
# Installs a lock file into the image's environment: nothing that isn't in it, nothing whose content differs.
#   install.sh REQUIREMENTS
set -eu
here=$(dirname "$0")
site=/opt/venv/lib/python3.11/site-packages

# The installer comes and goes within this one step, so that no image carries it.
# (Mounting it from a stage of its own would be nicer; buildah 1.28 loses such a mount when the stage is cached.)
python3 -m venv /tmp/build
/tmp/build/bin/pip install --quiet --no-cache-dir --require-hashes --requirement "$here/installer.txt"
/tmp/build/bin/uv pip install --quiet --no-cache --python /opt/venv/bin/python --no-deps --require-hashes --requirement "$1"
rm -rf /tmp/build

# The tests of these libraries, C headers and Ray's Java side: 150 MB that no pod reads.
for library in matplotlib numpy pandas pyarrow scipy sklearn; do
  if [ -d "$site/$library" ]; then find "$site/$library" -type d -name tests -prune -exec rm -rf {} +; fi
done
rm -rf "$site/pyarrow/include" "$site/ray/jars"

# Compiled here, because a pod's file system is read-only: without this, every start would compile every import anew.
# Only what is new is compiled: a layer must not carry again what the one below has.
/opt/venv/bin/python -m compileall -q -j 2 "$site" >/dev/null || true

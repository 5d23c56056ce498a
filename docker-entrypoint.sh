#!/bin/sh
# Beam starts a worker with flags of its own; a person starts thresher with a command.
set -eu
case "${1:-}" in
  --id=*|--id|--provision_endpoint*|--logging_endpoint*|--control_endpoint*|--artifact_endpoint*|\
  --semi_persist_dir*|--worker_pool|--worker_pool=*)
    exec /opt/apache/beam/boot "$@" ;;
  *)
    exec thresher "$@" ;;
esac

#!/usr/bin/env bash
# A Slurm cluster of this machine alone, for tests/experiments/test_slurm.py: needs root, slurm-wlm and munge; no systemd, no
# cgroups. `tests/slurm_node.sh` starts it, unless it runs; `tests/slurm_node.sh stop` ends what that started.
set -euo pipefail
home=${SLURM_NODE_HOME:-/var/tmp/lutra-slurm}
conf=/etc/slurm/slurm.conf
munge=/run/munge/lutra.pid
if [[ ${1:-start} == stop ]]; then
  grep -qs "^# lutra" "$conf" || exit 0
  for pid in $(cat "$home"/{slurmd,slurmctld}.pid "$munge" 2>/dev/null); do
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
  done
  rm -rf "$home" "$munge" "$conf"
  exit
fi
if timeout 5 sinfo >/dev/null 2>&1; then exit; fi
if [[ -e $conf ]] && ! grep -q "^# lutra" "$conf"; then
  echo "there is another $conf; it is left alone" >&2
  exit 1
fi
mkdir -p "$home" /etc/slurm /run/munge
chown munge: /run/munge
[[ -s /etc/munge/munge.key ]] || mungekey --create
chown munge: /etc/munge/munge.key
name=$(hostname -s)
cat >"$conf" <<END
# lutra's one-node cluster: tests/slurm_node.sh
ClusterName=lutra
SlurmctldHost=$name(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.log
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP MaxTime=60
END
pidof munged >/dev/null || setpriv --reuid=munge --regid=munge --clear-groups munged --pid-file="$munge"
slurmctld
slurmd
for _ in $(seq 60); do
  if [[ $(timeout 5 sinfo -h -o %t 2>/dev/null) == idle ]]; then exit; fi
  sleep 0.5
done
tail -n 5 "$home"/*.log >&2
exit 1

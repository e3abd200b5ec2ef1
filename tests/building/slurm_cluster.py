"""A SLURM of one node on this machine, of programs that are installed or unpacked into a folder."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = os.environ.get("MEDIMETA_SLURM", "/")
"""Where Debian's packages slurmctld, slurmd, slurm-client, slurm-wlm-basic-plugins and munge are unpacked."""
DAEMONS = ("munged", "slurmctld", "slurmd", "slurmstepd", "sbatch", "sinfo")
ANSWERS_S = 60

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={run}/munge
{plugins}
StateSaveLocation={run}/state
SlurmdSpoolDir={run}/spool
SlurmctldPidFile={run}/slurmctld.pid
SlurmdPidFile={run}/slurmd.pid
SlurmctldLogFile={run}/slurmctld.log
SlurmdLogFile={run}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
ReturnToService=2
MailProg=/bin/true
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def program(name: str) -> str | None:
    """Return the path of a program of SLURM or munge, whichever name Debian gave it."""
    places = [f"{FOLDER}/usr/sbin", f"{FOLDER}/usr/bin", *os.environ.get("PATH", "").split(os.pathsep)]
    found = (shutil.which(each, path=os.pathsep.join(places)) for each in (name, f"{name}-wlm"))
    return next(filter(None, found), None)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def slurm(run: Path) -> Iterator[dict[str, str]]:
    """Start munge, a controller and a node; yield the environment in which `sbatch` reaches them.

    Skips the test, saying why, where a program is missing or the node is not idle within a minute.
    """
    paths = {name: program(name) for name in DAEMONS}
    if missing := [name for name, path in paths.items() if path is None]:
        pytest.skip(f"needs SLURM ({', '.join(missing)} not found): apt-get install slurm-wlm munge")
    libraries = f"{FOLDER}/usr/lib/x86_64-linux-gnu"
    for folder in ("state", "spool"):
        (run / folder).mkdir()
    (run / "key").write_text(secrets.token_hex(128), encoding="ascii")
    (run / "key").chmod(0o400)
    plugins = f"PluginDir={libraries}/slurm-wlm" if FOLDER != "/" else ""
    values = {"host": socket.gethostname().partition(".")[0], "user": getpass.getuser()}
    ports = (free_port(), free_port())
    text = CONFIGURATION.format(run=run, ports=ports, plugins=plugins, **values)
    (run / "slurm.conf").write_text(text, encoding="utf-8")
    environment = {**os.environ, "SLURM_CONF": str(run / "slurm.conf")}
    if FOLDER != "/":
        environment["LD_LIBRARY_PATH"] = f"{libraries}:{libraries}/slurm-wlm"
    munge = ["--foreground", "--force", f"--socket={run}/munge", f"--key-file={run}/key"]
    munge += [f"--{name}-file={run}/munge.{name}" for name in ("log", "pid", "seed")]
    commands = (
        [paths["munged"], *munge],
        [paths["slurmctld"], "-D", "-c"],
        [paths["slurmd"], "-D", "-d", paths["slurmstepd"]],
    )
    with contextlib.ExitStack() as daemons:
        for command in commands:
            log = daemons.enter_context((run / "daemons.log").open("ab"))
            words = [str(word) for word in command]
            process = subprocess.Popen(words, env=environment, stdout=log, stderr=log)
            daemons.callback(process.wait)
            daemons.callback(process.terminate)
        deadline = time.monotonic() + ANSWERS_S
        ask = [str(paths["sinfo"]), "--noheader", "--format=%T"]
        while subprocess.run(ask, env=environment, capture_output=True, check=False).stdout != b"idle\n":
            if time.monotonic() > deadline:
                pytest.skip(f"slurmctld does not answer within {ANSWERS_S} s: {run}/slurmctld.log")
            time.sleep(0.2)
        yield {**environment, "SBATCH": str(paths["sbatch"])}

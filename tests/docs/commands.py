"""``medimeta-c`` for the docs' tests: each call is a fork of one process that has imported everything.

Two things differ from the installed command, and only in loading: weights that would come from the network
are small random ones (HUB for the Hub's, NAMED for open_clip's own names), and images are decoded in the same
process, because another would import everything again.

    python commands.py SOCKET HUB NAMED
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback

CLIENT = """\
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect({path!r})
request = dict(argv=sys.argv[1:], cwd=os.getcwd(), env=dict(os.environ))
socket.send_fds(link, [json.dumps(request).encode()], [0, 1, 2])
answer = link.recv(4)
sys.exit(int(answer) if answer else 70)
"""
"""The script that stands for the command: hands over its arguments, folder, environment and streams."""


def prepare(hub: str, named: str) -> None:
    """Import what commands need, and put the stand-ins in place."""
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg  # noqa: F401
    import transformers  # noqa: F401

    from medimeta_c import cli  # noqa: F401
    from medimeta_c.models.families import open_clip as openclip
    from medimeta_c.scoring import evaluation

    load = openclip.load_folder
    openclip.load_hub = lambda spec, target: load(spec, hub)
    openclip.load_named = lambda spec, target: load(spec, named)
    evaluation.workers_beside = lambda device, wanted: 0


def serve(path: str) -> None:
    """Answer until the end of stdin's owner: every request in a process of its own."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        link, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(link)
        link.close()


def answer(link: socket.socket) -> None:
    """Run one request and leave."""
    data, streams, _, _ = socket.recv_fds(link, 1 << 20, 3)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False, encoding="utf-8") for number in (1, 2))
    request = json.loads(data)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["medimeta-c", *request["argv"]]
    code: object = 0
    try:
        from medimeta_c.cli import main

        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    link.sendall(str(code if isinstance(code, int) else int(bool(code))).encode())
    os._exit(0)


if __name__ == "__main__":
    prepare(sys.argv[2], sys.argv[3])
    serve(sys.argv[1])

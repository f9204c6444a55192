"""python3 pty.py ROWS COLUMNS COMMAND [ARGUMENT...]

Runs a command as the leader of a new session on a new pseudo-terminal. What comes on stdin is typed,
what the terminal shows goes to stdout. Descriptor 3 takes lines: "size ROWS COLUMNS" resizes the
terminal, "hangup" closes its other end. Ends with the command's status, or 128 + its signal.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

CONTROL = 3


def resize(descriptor, rows, columns):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(rows, columns, command):
    leader, master = pty.fork()
    if leader == 0:
        resize(0, rows, columns)
        # Python ignores these two, and the command would inherit that.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.close(CONTROL)
        os.execvp(command[0], command)
    return leader, master


def write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


def show(master):
    """False once nobody has the terminal open."""
    try:
        shown = os.read(master, 65536)
    except OSError:
        return False
    write_all(1, shown)
    return True


def obey(lines, master):
    for line in lines:
        deed, *numbers = line.split()
        if deed == "size":
            resize(master, int(numbers[0]), int(numbers[1]))
        elif deed == "hangup":
            os.close(master)
            return False
    return True


def relay(leader, master):
    ended = os.pidfd_open(leader)
    sources = [0, CONTROL, master, ended]
    control = b""
    while True:
        ready = select.select(sources, [], [])[0]
        if master in ready:
            if not show(master):
                return
        elif ended in ready:
            return
        if 0 in ready:
            typed = os.read(0, 65536)
            if typed:
                write_all(master, typed)
            else:
                sources.remove(0)
        if CONTROL in ready:
            read = os.read(CONTROL, 4096)
            if not read:
                sources.remove(CONTROL)
            *lines, control = (control + read).split(b"\n")
            if not obey([line.decode() for line in lines], master):
                return


def main():
    leader, master = start(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    relay(leader, master)
    status = os.waitpid(leader, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()

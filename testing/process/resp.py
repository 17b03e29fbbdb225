"""A small client for Redis' protocol: as plain as possible, so that nothing hides behind it."""

import select
import socket


class Error(Exception):
    """An error reply; `word` is what a client decides by."""

    @property
    def word(self):
        return str(self).split(' ', 1)[0]


class Connection:
    """One TCP connection. Whatever breaks it is an OSError."""

    def __init__(self, port, timeout=15):
        self._socket = socket.create_connection(('127.0.0.1', port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile('rb')

    def close(self):
        self._file.close()
        self._socket.close()

    def closed(self):
        """Whether the other side closed it; for when no answer is under way."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def send(self, data):
        """Bytes as they are."""
        self._socket.sendall(data)

    def call(self, *words):
        """The reply to one command; raises it when it is an error."""
        reply = self.pipeline([words])[0]
        if isinstance(reply, Error):
            raise reply
        return reply

    def pipeline(self, commands):
        """Replies to all commands, errors included."""
        self.send(b''.join(map(encode, commands)))
        return [self.read() for _ in commands]

    def read(self):
        line = self._file.readline()
        if not line.endswith(b'\r\n'):
            raise ConnectionError('the connection was closed')
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            return Error(rest.decode())
        if kind == b'+':
            return rest.decode()
        if kind == b':':
            return int(rest)
        if kind == b'*':
            return [self.read() for _ in range(int(rest))]
        if rest == b'-1':
            return None
        return self._file.read(int(rest) + 2)[:-2].decode()


def encode(words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(p), p) for p in parts)

"""Real power cuts, as near as a machine can cut its own: a node on an ext4 of its own, in a file, that is
shut down under load without its journal being flushed (FS_IOC_SHUTDOWN), and mounted again. Needs root,
so it runs by hand. TROUPE_CUTS says how often (30), TROUPE_SEED when."""

import fcntl
import os
import random
import struct
import subprocess
import time
import unittest

from testing.process import load, nodes

CUTS = int(os.environ.get('TROUPE_CUTS', 30))
SEED = int(os.environ.get('TROUPE_SEED', time.time_ns() % 1_000_000))

_SHUTDOWN = 0x8004587d  # _IOR('X', 125, __u32), linux/fs.h
_NO_LOG_FLUSH = struct.pack('I', 2)


class Disk:
    """A file system in a file."""

    def __init__(self, test):
        self.image, self.path = f'{nodes.make_dir()}/image', nodes.make_dir()
        with open(self.image, 'wb') as image:
            image.truncate(1 << 30)
        subprocess.run(['/sbin/mkfs.ext4', '-q', self.image], check=True)
        self.mount()
        test.addCleanup(self.unmount)

    def mount(self):
        subprocess.run(['mount', '-o', 'loop', self.image, self.path], check=True)

    def unmount(self):
        subprocess.run(['umount', self.path], check=False)

    def cut_power(self):
        """Nothing reaches the image from here on, neither data nor the journal."""
        top = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(top, _SHUTDOWN, _NO_LOG_FLUSH)
        finally:
            os.close(top)


class PowerCutTest(unittest.TestCase):

    def test_nothing_acknowledged_is_lost_over_many_power_cuts(self):
        print(f'TROUPE_SEED={SEED} TROUPE_CUTS={CUTS}', flush=True)
        chance = random.Random(SEED)
        disk = Disk(self)
        node = nodes.one_node(self)
        node.flags.append(f'--data_dir={disk.path}/node')
        self.addCleanup(node.kill)  # before the disk is unmounted
        writers = []
        for cut in range(CUTS):
            node.start()
            clients = load.Load(f'cut-{cut}', [node.client_port])
            enough = chance.randrange(50, 3000)
            nodes.await_until('writes', lambda: len(clients.acks_between(0, float('inf'))) >= enough,
                              seconds=60)
            disk.cut_power()
            node.kill()
            clients.finish()
            writers += clients.writers
            disk.unmount()
            disk.mount()
            node.start()
            nodes.await_until('it leads', lambda: node.status()['role'] == 'leader')
            load.check_writes(self, [node], writers)
            node.kill()
        print(f'{CUTS} power cuts, {sum(len(w.acks) for w in writers)} acknowledged writes')


if __name__ == '__main__':
    unittest.main()

"""Three nodes that are killed again and again under load. TROUPE_KILLS says how often (200), TROUPE_SEED
who and when; what the machine does meanwhile no seed repeats."""

import os
import random
import time
import unittest

from testing.process import load, nodes

KILLS = int(os.environ.get('TROUPE_KILLS', 200))
SEED = int(os.environ.get('TROUPE_SEED', time.time_ns() % 1_000_000))


class TortureTest(unittest.TestCase):

    def test_nothing_acknowledged_is_lost_over_many_kills(self):
        print(f'TROUPE_SEED={SEED} TROUPE_KILLS={KILLS}', flush=True)
        chance = random.Random(SEED)
        cluster = nodes.three_nodes(self)
        clients = load.Load('torture', [node.client_port for node in cluster])
        killed = 0
        while killed < KILLS:
            self._await_writes(clients, chance.randrange(1, 300))
            victims = cluster if chance.random() < 0.1 else [chance.choice(cluster)]
            for node in victims:
                node.kill()
            # Some come back while others write already, some when they are long behind.
            if len(victims) == 1 and chance.random() < 0.5:
                self._await_writes(clients, chance.randrange(1, 1000))
            for node in victims:
                node.launch()
            for node in victims:
                node.await_ready()
            killed += len(victims)
        clients.finish()
        nodes.await_same_log(self, cluster)
        load.check_writes(self, cluster, clients.writers)
        print(f'{killed} kills, {sum(len(w.acks) for w in clients.writers)} acknowledged writes, '
              f'{sum(len(w.unknown) + w.unknown_increments for w in clients.writers)} unknown')

    def _await_writes(self, clients, count):
        def written():
            return sum(len(w.acks) for w in clients.writers)
        enough = written() + count
        nodes.await_until('writes go on', lambda: written() >= enough, seconds=60)


if __name__ == '__main__':
    unittest.main()

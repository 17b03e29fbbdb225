"""`ctl verify` and `ctl log` on the data directory of a node that was stopped."""

import glob
import os
import subprocess
import unittest

from testing.process import ctl, nodes

CLEAN, MENDED, DAMAGED, NOT_SEEN = 0, 1, 2, 3
SECOND_VOTE = 4096  # FORMAT.md
FIRST_BATCH = 4096


class OfflineTest(unittest.TestCase):

    def setUp(self):
        self.node = nodes.one_node(self).start()
        nodes.await_until('a write', lambda: self.node.call('SET', 'a', '1') == 'OK')
        self.dir = self.node.data_dir()

    def expect(self, code, *words):
        """One line that has all of the words."""
        found, out, said = ctl.run(0, 'verify', self.dir)
        self.assertEqual(found, code, said)
        self.assertRegex(out + said, r'\A.*\n\Z')
        for word in words:
            self.assertIn(word, out + said)

    def test_verify_tells_clean_mended_damaged_and_in_use_apart(self):
        self.expect(NOT_SEEN, self.dir, 'in use')
        self.node.stop()
        self.expect(CLEAN, 'node 1', 'clean')
        nodes.flip(f'{self.dir}/vote', SECOND_VOTE + 40)
        self.expect(MENDED, f'{self.dir}/vote at offset {SECOND_VOTE}')
        self.expect(CLEAN)
        segment, = glob.glob(f'{self.dir}/log/*.segment')
        nodes.flip(segment, FIRST_BATCH + 64)
        self.expect(DAMAGED, f'{segment} at offset {FIRST_BATCH}')
        self.expect(DAMAGED)

    def test_what_is_printed_does_not_end_up_in_the_data(self):
        self.node.stop()

        def close_all():
            for standard in (0, 1, 2):
                os.close(standard)
        subprocess.run([nodes.CTL, 'log', self.dir], preexec_fn=close_all, check=True)
        self.expect(CLEAN)
        self.assertEqual(ctl.run(0, 'log', self.dir)[0], 0)

    def test_log_has_a_line_for_each_batch(self):
        self.node.stop()
        code, out, said = ctl.run(0, 'log', self.dir)
        self.assertEqual(code, 0, said)
        lines = out.splitlines()
        self.assertRegex(lines[0], r'\A1\.\.T0\.N0/1 members \d+ bytes [0-9a-f]{16} majority\(1\)\Z')
        self.assertTrue(any(' commands ' in line for line in lines), out)
        segment, = glob.glob(f'{self.dir}/log/*.segment')
        nodes.flip(segment, FIRST_BATCH + 64)
        code, out, said = ctl.run(0, 'log', self.dir)
        self.assertEqual((code, out.splitlines()), (DAMAGED, lines[1:]), said)
        self.assertIn(f'{segment} at offset {FIRST_BATCH}', said)


if __name__ == '__main__':
    unittest.main()

"""Runs every check, and clang-format, over the source tree that this test was built from."""

import os
import re
import subprocess
import sys
import unittest

from tools.lint import checks

# Bazel links a test's data to the source tree, so the marker file's real path leads there.
ROOT = os.path.dirname(os.path.realpath('WORKSPACE'))


def source_files():
    """Paths from the root: what git tracks or would; without git all but outputs and hidden."""
    git = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        cwd=ROOT, capture_output=True, check=False) if os.path.exists(f'{ROOT}/.git') else None
    paths = git.stdout.decode().split('\0') if git and git.returncode == 0 else _walk()
    return sorted(path for path in paths if os.path.isfile(f'{ROOT}/{path}'))


def _walk():
    for folder, children, names in os.walk(ROOT):
        children[:] = [child for child in children if not child.startswith(('.', 'bazel-'))]
        for name in names:
            yield os.path.relpath(f'{folder}/{name}', ROOT)


def read(path):
    try:
        with open(f'{ROOT}/{path}', encoding='utf-8') as file:
            return file.read()
    except UnicodeDecodeError:
        return ''  # a binary file: nothing for these checks


def misformatted(paths):
    """Files that clang-format would change, each as path:line of the first place."""
    if not paths:
        return []
    run = subprocess.run(['clang-format', '--dry-run', '-Werror', *paths],
                         cwd=ROOT, capture_output=True, check=False, text=True)
    places = dict(reversed(re.findall(r'^(.+?):(\d+):\d+: error:', run.stderr, re.MULTILINE)))
    # A failure of any other kind (a broken .clang-format, say) speaks for itself.
    return sorted(map(':'.join, places.items())) or ([run.stderr] if run.returncode else [])


class LintTest(unittest.TestCase):
    longMessage = False  # our messages say it all

    @classmethod
    def setUpClass(cls):
        cls.files = source_files()

    def test_sees_the_tree(self):
        # An empty list would pass everything below.
        self.assertIn('tools/lint/lint_test.py', self.files)

    def test_every_file_passes_every_check(self):
        found = [
            f'{path}:{line}: {message}' for path in self.files for check in checks.FILE_CHECKS
            for line, message in check(path, read(path))
        ]
        self.assertFalse(found, '\n' + '\n'.join(found))

    def test_every_folder_has_a_readme(self):
        missing = list(checks.folders_without_readme(self.files))
        self.assertFalse(missing, f'without README.md: {", ".join(missing)}')

    def test_scenarios_are_explained_and_their_tests_exist(self):
        texts = {path: read(path) for path in self.files}
        found = [f'{path}:{line}: {problem}' for path, line, problem in checks.scenarios(texts)]
        self.assertFalse(found, '\n' + '\n'.join(found))

    def test_cpp_is_formatted(self):
        found = misformatted([path for path in self.files if checks.is_cpp(path)])
        self.assertFalse(found, '\n'.join(['', *found, 'bazel run //tools/lint:fix puts it right']))

    def test_formatting_is_noticed(self):
        bad = os.path.join(os.environ.get('TEST_TMPDIR', '.'), 'bad.cc')
        with open(bad, 'w', encoding='utf-8') as file:
            file.write('int  f( ){return 1 ;}\n')
        self.assertEqual(misformatted([bad]), [f'{bad}:1'])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])

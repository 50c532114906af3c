/** What the disk and LMDB report, in words that an operator can act on. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDataDir } from '../../src/service/backing.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { storeFailure } from '../../src/store/embedded/failure.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { aCommit } from '../support/store-builders.ts';

const CASES = [
  ['a full disk', 'ENOSPC', 'store-full'],
  ['a full disk, in LMDB', constants.errno.ENOSPC, 'store-full'],
  ['a used up quota', constants.errno.EDQUOT, 'store-full'],
  ['a directory of somebody else', 'EACCES', 'store-denied'],
  ['a read-only disk, in LMDB', constants.errno.EROFS, 'store-denied'],
  ['a disk that fails', constants.errno.EIO, 'store-failed'],
] as const;

for (const [what, code, expected] of CASES) {
  test(`${what} is ${expected}, names the directory, and may be tried again`, () => {
    const error = Object.assign(new Error('as the system says'), { code });
    const failure = storeFailure(error, scratchDir('failure'));
    expect(failure).toMatchObject({ code: expected, retryable: true, cause: error });
    expect(failure.message).toContain('quell-failure-');
  });
}

test('what it makes is readable for its owner alone', async () => {
  const dir = join(scratchDir('mode'), 'data');
  await (await openEmbeddedStore(dir)).close();
  const other = join(scratchDir('mode'), 'deep', 'data');
  await makeDataDir(other);
  expect([dir, other].map((made) => statSync(made).mode & 0o777)).toEqual([0o700, 0o700]);
});

test('a file in the place of the data directory is said to be one', async () => {
  const file = join(scratchDir('file'), 'data');
  writeFileSync(file, '');
  for (const place of [file, join(file, 'below')])
    await expect(makeDataDir(place)).rejects.toThrow(/there is a file of that name/);
});

test('a directory of a later version is refused', async () => {
  const dir = scratchDir('format');
  writeFileSync(join(dir, 'format.json'), '{"format":99}');
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({ code: 'store-format' });
  writeFileSync(join(dir, 'format.json'), 'nonsense');
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({ code: 'store-damaged' });
  rmSync(join(dir, 'format.json'));
  await (await openEmbeddedStore(dir)).close();
});

test('a data file that is none is damaged, and says where', async () => {
  const dir = scratchDir('damaged');
  mkdirSync(join(dir, 'store'));
  writeFileSync(join(dir, 'store', 'data.mdb'), 'this is no LMDB file, '.repeat(1_000));
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({
    code: 'store-damaged',
    retryable: false,
    message: expect.stringContaining(join(dir, 'store')),
  });
});

test('a file where the directory should be is said so', async () => {
  const path = join(scratchDir('file'), 'data');
  writeFileSync(path, '');
  await expect(openEmbeddedStore(path)).rejects.toMatchObject({ code: 'store-failed' });
});

test('one process cannot open a directory twice, and can again when it closed it', async () => {
  const dir = scratchDir('twice');
  const store = await openEmbeddedStore(dir);
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({ code: 'store-in-use' });
  expect(await store.commit('prod', aCommit(0))).toMatchObject({ kind: 'committed' });
  await store.close();
  await (await openEmbeddedStore(dir)).close();
});

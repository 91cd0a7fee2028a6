import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { replaceFile } from '../../src/util/replace-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'isodex-replace-'));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (path: string) => replaceFile(path, [Uint8Array.of(1, 2, 3)]);

describe('replaceFile', () => {
  it('leaves a pipe a pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(write(pipe)).rejects.toThrow('not a regular file');
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });

  it('leaves a link that leads nowhere alone', async () => {
    const link = join(folder, 'dangling');
    symlinkSync(join(folder, 'nowhere', 'x'), link);
    await expect(write(link)).rejects.toThrow('leads nowhere');
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it('writes through a link to a file, and what is new', async () => {
    const [file, link] = [join(folder, 'file'), join(folder, 'link')];
    writeFileSync(file, 'old');
    symlinkSync(file, link);
    await write(link);
    expect([...readFileSync(file)]).toEqual([1, 2, 3]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    await write(join(folder, 'new'));
    expect(existsSync(join(folder, 'new'))).toBe(true);
  });
});

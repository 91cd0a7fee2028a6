/** `isodex bench` of the built package, from a checkout's folder and as somebody has it who installed it. */
import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { bench } from '../../src/cli/bench.ts';
import { root } from '../bench/run.ts';
import { linkedDependencies } from '../browser/sites.ts';
import { builtCli, isodex, scratchFolder } from './cli.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const TINY = ['--sets', 'clustered-1500x24', '--queries', '20', '--threads', '1', '--engines', 'cpu', '--repeats', '1', '--singles', '2'];
const flat = (out: string) => ['bench', 'flat', ...TINY, '--peers', '', '--out', out];

describe('isodex bench', () => {
  it('hands --help, options and exit codes through', async () => {
    const help = await isodex(['bench', '--help']);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: isodex bench .*kernels/s) });
    expect(await isodex(['bench', 'flat', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: isodex bench flat/),
    });
    expect(await isodex(['bench', 'flat', '--repeats', '0'])).toMatchObject({ code: 1, stderr: expect.stringMatching(/integer ≥ 1/) });
    expect(await isodex(['bench', 'flat', '--sets', 'nothing', '--peers', ''])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^bench: .*there is no 'nothing'/m),
    });
  });

  it('measures in built processes, and draws where Vega is', async () => {
    const { code, stdout, stderr } = await isodex(flat(scratch.at('drawn')));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/flat\.json, .*flat\.svg\n$/);
    expect(readFileSync(join(scratch.at('drawn'), 'flat.svg'), 'utf8')).toMatch(/^<svg/);
  });

  it('runs inside node_modules, without Vega too, and says what would draw', async () => {
    const project = scratch.at('project');
    const modules = await linkedDependencies(project);
    cpSync(dirname(await builtCli()), join(modules, 'isodex/dist'), { recursive: true });
    cpSync(join(root, 'package.json'), join(modules, 'isodex/package.json'));
    const cli = join(modules, 'isodex/dist/cli.js');
    const { stdout } = await promisify(execFile)(process.execPath, [cli, ...flat(scratch.at('bare'))]);
    expect(stdout).toMatch(/flat\.json\ninstall vega and vega-lite for the page and pictures: .*\n$/);
    expect(JSON.parse(readFileSync(join(scratch.at('bare'), 'flat.json'), 'utf8')).sets).toHaveLength(1);
    const help = await promisify(execFile)(process.execPath, [cli, 'bench', 'flat', '--help']);
    expect(help.stdout.replace(/\s+/g, ' ')).toContain("(default: isodex in the user's cache folder)");
  });

  it('ends at Ctrl-C with 130', async () => {
    const args = ['bench', 'flat', ...TINY, '--peers', '', '--singles', '1000000', '--out', scratch.at('none')];
    expect(await isodex(args, { interruptAfterMs: 2500 })).toMatchObject({ code: 130 });
  });

  it('says what to do where the bench was not built', async () => {
    await expect(bench(scratch.at('nowhere.js'), [])).rejects.toThrow(/the bench is not there .*npm run build/);
  });
});

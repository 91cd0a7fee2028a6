/** `isodex pipe` as a program in another language meets it: a process, bytes in pieces of any size, answers in order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { FrameSplitter, MOST_BYTES, OPERATIONS } from '../../src/cli/pipe-frames.ts';
import { makeVectors } from '../contract/data.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';
import { builtCli, isodex, scratchFolder } from './cli.ts';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const DIM = 7;
const rows = makeVectors('normal', 500, DIM, 1);
const queries = makeVectors('normal', 9, DIM, 2);
const expectedLabels = (k: number, n = 500) =>
  rowsOf(queries, DIM).map((query) =>
    ranked(
      'l2',
      rowsOf(rows.subarray(0, n * DIM), DIM).map((vector, label) => ({ label, vector })),
      query,
    )
      .slice(0, k)
      .map(({ label }) => label),
  );

const bytesOf = (values: Float32Array | Uint32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
const u32 = (...values: number[]) => bytesOf(Uint32Array.from(values));

function frame(operation: number, ...parts: Uint8Array[]): Buffer {
  const payload = Buffer.concat(parts);
  return Buffer.concat([u32(operation, payload.length), payload]);
}

interface Answer {
  status: number;
  bytes: Buffer<ArrayBuffer>;
}

/** One process, and the answers that came from it. */
class Client {
  readonly child: ChildProcess;
  readonly #splitter = new FrameSplitter();
  readonly #answers: Answer[] = [];
  stderr = '';
  #heard = Promise.withResolvers<void>();

  constructor(cli: string, args: readonly string[]) {
    this.child = spawn(process.execPath, [cli, 'pipe', ...args], { stdio: 'pipe' });
    this.child.stdout!.on('data', (piece: Buffer) => {
      for (const { operation: status, bytes } of this.#splitter.push(piece)) this.#answers.push({ status, bytes: Buffer.from(bytes) });
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.child.stdin!.on('error', () => {}); // the process may end before it has read everything
  }

  async next(): Promise<Answer> {
    while (this.#answers.length === 0) await this.#heard.promise;
    return this.#answers.shift()!;
  }

  ask(operation: number, ...parts: Uint8Array[]): Promise<Answer> {
    this.child.stdin!.write(frame(operation, ...parts));
    return this.next();
  }

  async end(bytes?: Uint8Array): Promise<number | null> {
    const closed = once(this.child, 'close');
    this.child.stdin!.end(bytes);
    return (await closed)[0];
  }
}

const clients: Client[] = [];
async function start(...args: string[]): Promise<Client> {
  const client = new Client(await builtCli(), args);
  clients.push(client);
  return client;
}
afterEach(() => {
  for (const { child } of clients.splice(0)) child.kill('SIGKILL');
});

const labelsOf = ({ status, bytes }: Answer, k: number): number[][] => {
  expect(status, bytes.toString()).toBe(0);
  const labels = new Int32Array(new Uint8Array(bytes).buffer);
  return Array.from({ length: labels.length / k }, (_, q) => [...labels.subarray(q * k, (q + 1) * k)]);
};
const numberOf = ({ status, bytes }: Answer): number => {
  expect(status, bytes.toString()).toBe(0);
  return bytes.readUInt32LE();
};
const messageOf = ({ status, bytes }: Answer): string => {
  expect(status).toBe(1);
  return bytes.toString();
};

async function filled(...args: string[]): Promise<Client> {
  const client = await start('--dim', String(DIM), ...args);
  expect(numberOf(await client.ask(OPERATIONS.rows, bytesOf(rows)))).toBe(500);
  expect(numberOf(await client.ask(OPERATIONS.build))).toBe(500);
  return client;
}

describe('isodex pipe', () => {
  it('holds rows, builds, answers with labels, and with distances', async () => {
    const client = await start('--dim', String(DIM));
    expect(numberOf(await client.ask(OPERATIONS.rows, bytesOf(rows.subarray(0, 300 * DIM))))).toBe(300);
    expect(numberOf(await client.ask(OPERATIONS.rows, bytesOf(rows.subarray(300 * DIM))))).toBe(500);
    expect(numberOf(await client.ask(OPERATIONS.build))).toBe(500);
    expect(labelsOf(await client.ask(OPERATIONS.search, u32(4), bytesOf(queries)), 4)).toEqual(expectedLabels(4));
    const { status, bytes } = await client.ask(OPERATIONS.searchWithDistances, u32(2), bytesOf(queries));
    expect([status, bytes.length]).toEqual([0, 9 * 2 * 8]);
    const distances = new Float32Array(new Uint8Array(bytes).buffer, 72);
    const [first] = rowsOf(queries, DIM);
    const nearest = ranked(
      'l2',
      rowsOf(rows, DIM).map((vector, label) => ({ label, vector })),
      first!,
    ).slice(0, 2);
    expect([...distances.subarray(0, 2)]).toEqual(nearest.map(({ distance }) => distance));
    expect(await client.end()).toBe(0);
    expect(client.stderr).toBe('');
  });

  it('understands frames in pieces of any size, many at once, and answers in order', async () => {
    const client = await start('--dim', String(DIM));
    const all = Buffer.concat([
      frame(OPERATIONS.rows, bytesOf(rows)),
      frame(OPERATIONS.build),
      ...Array.from({ length: 20 }, (_, i) => frame(OPERATIONS.search, u32(i + 1), bytesOf(queries))),
    ]);
    for (let at = 0, step = 1; at < all.length; at += step, step = (step * 7) % 1009)
      client.child.stdin!.write(all.subarray(at, at + step));
    expect([numberOf(await client.next()), numberOf(await client.next())]).toEqual([500, 500]);
    for (let k = 1; k <= 20; k++) expect(labelsOf(await client.next(), k)).toEqual(expectedLabels(k));
    expect(await client.end()).toBe(0);
  });

  it('pads where there are fewer rows', async () => {
    const client = await start('--dim', String(DIM));
    await client.ask(OPERATIONS.rows, bytesOf(rows.subarray(0, 3 * DIM)));
    await client.ask(OPERATIONS.build);
    const found = labelsOf(await client.ask(OPERATIONS.search, u32(5), bytesOf(queries)), 5);
    expect(found).toEqual(expectedLabels(3, 3).map((labels) => [...labels, -1, -1]));
  });

  it('takes a batch whose answer is larger than a pipe holds', async () => {
    const client = await filled('--threads', '2');
    const many = new Float32Array(2000 * DIM);
    for (let i = 0; i < 2000; i++) many.set(queries.subarray((i % 9) * DIM, (i % 9) * DIM + DIM), i * DIM);
    const found = labelsOf(await client.ask(OPERATIONS.search, u32(100), bytesOf(many)), 100);
    const wanted = expectedLabels(100);
    expect(found).toEqual(Array.from({ length: 2000 }, (_, i) => wanted[i % 9]));
  });

  it('trains what has to be, takes settings, and saves', async () => {
    const client = await filled('--index', 'IVF8,Flat', '--nprobe', '8', '--train-size', '400');
    expect(labelsOf(await client.ask(OPERATIONS.search, u32(10), bytesOf(queries)), 10)).toEqual(expectedLabels(10));
    expect((await client.ask(OPERATIONS.settings, u32(0, 1, 0))).status).toBe(0);
    expect(labelsOf(await client.ask(OPERATIONS.search, u32(10), bytesOf(queries)), 10)).not.toEqual(expectedLabels(10));
    const info = JSON.parse((await client.ask(OPERATIONS.info)).bytes.toString());
    expect(info).toMatchObject({ description: 'IVF8,Flat', metric: 'l2', dim: DIM, size: 500, processBytes: expect.any(Number) });
    const path = scratch.at('piped.isodex');
    expect((await client.ask(OPERATIONS.save, Buffer.from(path))).status).toBe(0);
    expect(await client.end()).toBe(0);
    expect((await isodex(['info', path])).stdout).toMatch(/IVF8,Flat/);

    const again = await start(path, '--nprobe', '8');
    expect(labelsOf(await again.ask(OPERATIONS.search, u32(10), bytesOf(queries)), 10)).toEqual(expectedLabels(10));
  });

  it('answers what is wrong with an error, and goes on', async () => {
    const client = await start('--dim', String(DIM));
    expect(messageOf(await client.ask(OPERATIONS.build))).toMatch(/no rows to build of; send rows first/);
    expect(messageOf(await client.ask(99))).toMatch(/no operation 99; give 1 to 7/);
    expect(messageOf(await client.ask(OPERATIONS.rows, u32(1)))).toMatch(/4 bytes of rows are not whole vectors; give n \* 7 floats/);
    expect(messageOf(await client.ask(OPERATIONS.search, Buffer.of(1)))).toMatch(/1 bytes; give u32 k and the queries/);
    expect(messageOf(await client.ask(OPERATIONS.search, u32(0), bytesOf(queries)))).toMatch(/k is 0/);
    expect(messageOf(await client.ask(OPERATIONS.settings))).toMatch(/0 bytes; give u32 efSearch/);
    expect(messageOf(await client.ask(OPERATIONS.save, Buffer.from('/no/such/folder/x')))).toMatch(/cannot write .*\/no\/such\/folder\/x/);
    await client.ask(OPERATIONS.rows, bytesOf(new Float32Array(DIM).fill(Number.NaN)));
    expect(messageOf(await client.ask(OPERATIONS.build))).toMatch(/row 0/);
    await client.ask(OPERATIONS.rows, bytesOf(rows));
    expect(numberOf(await client.ask(OPERATIONS.build))).toBe(500);
    expect(labelsOf(await client.ask(OPERATIONS.search, u32(3), bytesOf(queries)), 3)).toEqual(expectedLabels(3));
    expect(await client.end()).toBe(0);
  });

  it('gives up on a frame that claims too much', async () => {
    const client = await filled();
    client.child.stdin!.write(u32(OPERATIONS.rows, MOST_BYTES + 1));
    expect(messageOf(await client.next())).toMatch(/claims 268435457 bytes; give 268435456 at most/);
    expect(await client.end()).toBe(1);
    expect(client.stderr).toMatch(/^isodex: a frame claims [^\n]+\n$/);
  });

  it('says so where the input ends inside a frame', async () => {
    const client = await filled();
    expect(await client.end(frame(OPERATIONS.rows, bytesOf(rows)).subarray(0, 99))).toBe(1);
    expect(client.stderr).toBe('isodex: the input ended in the middle of a frame; send all of its bytes\n');
  });

  it('ends when it is interrupted, while it waits and while it works', async () => {
    const waiting = await filled();
    const ended = once(waiting.child, 'close');
    waiting.child.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    expect(waiting.stderr).toBe('isodex: interrupted\n');

    const working = await start('--dim', '64', '--index', 'HNSW32');
    await working.ask(OPERATIONS.rows, bytesOf(makeVectors('normal', 40_000, 64, 3)));
    working.child.stdin!.write(frame(OPERATIONS.build));
    const stopped = once(working.child, 'close');
    setTimeout(() => working.child.kill('SIGINT'), 500);
    expect((await stopped)[0]).toBe(130);
  });

  it('ends without a word when its reader does', async () => {
    const client = await filled();
    const ended = once(client.child, 'close');
    client.child.stdout!.destroy();
    client.child.stdin!.write(frame(OPERATIONS.search, u32(3), bytesOf(queries)));
    expect((await ended)[0]).toBe(0);
    expect(client.stderr).toBe('');
  });

  it.each([
    [[], /give --dim, or an index file/],
    [['--dim', '8', '--index', 'NSW'], /NSW/],
    [['none.isodex'], /none\.isodex/],
    [['none.isodex', '--dim', '8'], /leave out --index, --metric, --dim/],
  ])('refuses %j before it reads', async (args, message) => {
    const client = await start(...args);
    expect(await client.end()).toBe(1);
    expect(client.stderr).toMatch(message);
  });
});

/** A web server for one folder on 127.0.0.1, with the headers that decide what a page may do. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

const HEADERS = {
  /** COOP and COEP: memory can be shared with threads. */
  isolated: ISOLATED,
  /** What most servers send: nothing. */
  plain: {},
  /** Isolated, with a content security policy that allows WebAssembly and no `blob:` workers. */
  'no-blob': { ...ISOLATED, 'content-security-policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" },
} as const;

export type Mode = keyof typeof HEADERS;

const TYPES: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };

export interface Server extends AsyncDisposable {
  readonly url: string;
}

export async function serve(folder: string, mode: Mode): Promise<Server> {
  const server = createServer(async ({ url = '/' }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://host').pathname));
    for (const [name, value] of Object.entries(HEADERS[mode])) response.setHeader(name, value);
    if (path === '/favicon.ico') return void response.writeHead(204).end();
    try {
      const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
      const body = await readFile(file);
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream').end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

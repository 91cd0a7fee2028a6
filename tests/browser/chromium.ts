/** Debian's Chromium, headless, with WebGPU on SwiftShader: how the browser suite starts it and talks to its pages. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mode, serve } from './server.ts';

const executablePath = process.env.ISODEX_CHROMIUM ?? '/usr/bin/chromium';

const ARGUMENTS = [
  '--no-sandbox', // containers run as root
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;

/**
 * A suite that needs a browser: one starts before it and ends after it. Without Chromium it is skipped with the reason;
 * where ISODEX_REQUIRE_BROWSER is 1 it fails instead.
 */
export function describeInBrowser(name: string, body: () => void): void {
  if (existsSync(executablePath)) {
    describe(name, () => {
      beforeAll(async () => {
        browser = await chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
      });
      afterAll(() => browser?.close());
      body();
    });
    return;
  }
  const reason = `there is no ${executablePath}: install Debian's chromium package, or name another one in ISODEX_CHROMIUM`;
  if (process.env.ISODEX_REQUIRE_BROWSER === '1') {
    describe(name, () => it('finds a browser', () => expect.fail(`ISODEX_REQUIRE_BROWSER is set, but ${reason}`)));
  } else {
    console.warn(`${name}: skipped, ${reason}`);
    describe.skip(name, body);
  }
}

export interface Visit {
  /** The folder that is served: a built site. */
  readonly site: string;
  readonly mode: Mode;
  /** An error that this visit provokes; any other fails it. */
  readonly expectedError?: RegExp;
}

/** Opens the site in a fresh profile, works in it, and fails for every error that its page or its workers report. */
export async function visit<T>({ site, mode, ...rest }: Visit, work: (page: Page) => Promise<T>): Promise<T> {
  await using server = await serve(site, mode);
  return await visitUrl({ url: server.url, ...rest }, work); // before the server goes
}

/** The same, of an address. A page from a file has no network. */
export async function visitUrl<T>(
  { url, expectedError }: { readonly url: string; readonly expectedError?: RegExp },
  work: (page: Page) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext({ offline: url.startsWith('file:') });
  const errors: string[] = [];
  const note = (text: string) => {
    if (!expectedError?.test(text)) errors.push(text);
  };
  try {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') note(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', (error) => note(`uncaught: ${error.stack ?? error.message}`));
    page.on('requestfailed', (request) => note(`request failed: ${request.url()} ${request.failure()?.errorText ?? ''}`));
    page.on('crash', () => note('the page crashed'));
    await page.goto(url);
    const result = await work(page);
    if (errors.length > 0) throw new Error('the page reported errors');
    return result;
  } catch (error) {
    throw errors.length === 0 ? error : new Error([String(error), ...errors].join('\n'), { cause: error });
  } finally {
    await context.close();
  }
}

import axe from 'axe-core';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { ensurePrerequisites } from '../../deploy/local/prerequisites.ts';

/** A tab of a real browser, and what went wrong in it. */
export interface Tab {
  readonly page: Page;
  /** Errors of scripts and of the console since the last call. */
  errors(): string[];
  close(): Promise<void>;
}

/** How a tab is opened. */
export interface TabOptions {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
}

/** Starts Debian's Chromium, installed where that is allowed. */
export async function startBrowser(): Promise<Browser> {
  await ensurePrerequisites(['chromium'], { env: process.env, onProgress: () => undefined });
  // The sandbox of Chromium does not run as root; what is opened is our own page.
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** Opens a tab of its own, without what others have kept. */
export async function openTab(
  browser: Browser,
  { scheme = 'light', width = 1380 }: TabOptions = {},
): Promise<Tab> {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  let found: string[] = [];
  page.on('pageerror', (error) => found.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') found.push(`console: ${message.text()}`);
  });
  return {
    page,
    errors() {
      const taken = found;
      found = [];
      return taken;
    },
    close: () => context.close(),
  };
}

/** Returns what axe finds of a page that is serious or critical, a line each. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<axe.AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}

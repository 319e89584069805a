/**
 * `npm run screenshots -- [URL] [MODEL]`: takes the pictures of the page that README.md shows, of a monitor that runs,
 * while a rollout of the model is in a live step. `npm run demo -- --keep` beside it makes one.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { openTab, startBrowser } from '../support/browser.ts';

const PICTURES = resolve(import.meta.dirname, '../../services/monitor/web/screenshots');
const WIDTH = 1200;
const BYTES_MAX = 80_000;
const STEP_LIMIT_MS = 600_000;
const POINTS_MIN = 20;

const [url = 'http://127.0.0.1:8085', model = 'flights-late'] = process.argv.slice(2);

interface View {
  readonly view: { readonly rollout: { readonly phase: string; readonly step: number } | null };
  readonly streams: { readonly timesMs: readonly number[] };
}

/** Returns a picture of the tab as WebP: the browser itself makes it smaller than PNG. */
async function pictureOf(page: Page): Promise<Buffer> {
  const png = (await page.screenshot()).toString('base64');
  const data = await page.evaluate(async (base64) => {
    const { document: doc, Image: Picture } = globalThis as unknown as {
      document: {
        createElement(name: 'canvas'): {
          width: number;
          height: number;
          getContext(kind: '2d'): { drawImage(from: unknown, x: number, y: number): void };
          toDataURL(type: string, quality: number): string;
        };
      };
      Image: new () => { src: string; width: number; height: number; decode(): Promise<void> };
    };
    const picture = new Picture();
    picture.src = `data:image/png;base64,${base64}`;
    await picture.decode();
    const canvas = Object.assign(doc.createElement('canvas'), {
      width: picture.width,
      height: picture.height,
    });
    canvas.getContext('2d').drawImage(picture, 0, 0);
    return canvas.toDataURL('image/webp', 0.82);
  }, png);
  return Buffer.from(data.slice(data.indexOf(',') + 1), 'base64');
}

async function main(): Promise<number> {
  await waitUntil(
    async () => {
      const answer = await fetch(`${url}/v1/view/models/${model}`);
      const { view, streams } = (await answer.json()) as View;
      if (view.rollout?.phase !== 'canary' || streams.timesMs.length < POINTS_MIN)
        throw new Error(`${String(view.rollout?.phase)}, ${String(streams.timesMs.length)} points`);
    },
    { what: `a rollout of ${model} to be in a live step`, limitMs: STEP_LIMIT_MS, everyMs: 250 },
  );
  const browser = await startBrowser();
  try {
    const { page } = await openTab(browser, { scheme: 'light', width: WIDTH });
    for (const [name, hash, height] of [
      ['rollout', `#/models/${model}/rollout`, 1010],
      ['model', `#/models/${model}`, 900],
      ['overview', '#/', 300],
    ] as const) {
      await page.setViewportSize({ width: WIDTH, height });
      if (name === 'overview') await page.emulateMedia({ colorScheme: 'dark' });
      await page.goto(`${url}/${hash}`);
      await page.locator('main section').first().waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      if (name === 'rollout') await page.locator('.waits li').first().waitFor();
      const picture = await pictureOf(page);
      if (picture.length > BYTES_MAX)
        throw new RangeError(`${name} has ${String(picture.length)} bytes, allowed ${String(BYTES_MAX)}`);
      writeFileSync(join(PICTURES, `${name}.webp`), picture);
      console.log(`${name}.webp  ${String(picture.length)} bytes`);
    }
  } finally {
    await browser.close();
  }
  return 0;
}

process.exitCode = await main();

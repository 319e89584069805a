import type { Page } from 'playwright-core';
import { waitUntil } from '../../deploy/local/wait-until.ts';

/** Returns a part of the page by its heading. */
export const card = (page: Page, name: string): ReturnType<Page['locator']> =>
  page.locator(`section[aria-label="${name}"]`);

/** Returns the number under a name among the large ones. */
export async function stat(page: Page, name: string): Promise<string> {
  const one = page.locator('.stat', {
    has: page.locator('.stat-name', { hasText: new RegExp(`^${name}$`) }),
  });
  return (await one.first().locator('.stat-value').innerText()).trim();
}

/** Waits until what is looked at holds; throws what was waited for when it does not. */
export async function untilTrue(what: string, look: () => Promise<boolean>): Promise<void> {
  await waitUntil(
    async () => {
      if (!(await look())) throw new Error('not yet');
    },
    { what, limitMs: 20_000, everyMs: 100 },
  );
}

/** Presses a button, says who and why, and confirms. */
export async function ask(page: Page, verb: string, reason: string): Promise<void> {
  await page.getByRole('button', { name: verb, exact: true }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Who').fill('ada');
  await dialog.getByLabel('Why').fill(reason);
  await dialog.getByRole('button', { name: verb, exact: true }).click();
}

/** Has something done by a button and its dialog; throws when the dialog stays, because it was refused. */
export async function command(page: Page, verb: string, reason: string): Promise<void> {
  await ask(page, verb, reason);
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

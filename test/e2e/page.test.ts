import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { barriers, openTab, startBrowser } from '../support/browser.ts';
import type { Tab } from '../support/browser.ts';
import { judgedSpec, QUICK_POLICY } from '../support/judged-model.ts';
import { startJudgedTraffic } from '../support/judged-traffic.ts';
import type { JudgedTraffic } from '../support/judged-traffic.ts';
import { ask, card, command, stat, untilTrue } from '../support/page.ts';
import { rolloutClient } from '../support/rollouts.ts';
import { useSystem } from '../support/system.ts';

const MODEL = 'judged';
const MODELS = 1000;
const PAGES = [
  '#/',
  `#/models/${MODEL}`,
  `#/models/${MODEL}/rollout`,
  `#/models/${MODEL}/versions`,
  `#/models/${MODEL}/history`,
  '#/stream',
  '#/meaning/evalue',
] as const;

const system = useSystem();
let browser: Browser;
let tab: Tab;
let traffic: JudgedTraffic | undefined;

before(async () => {
  browser = await startBrowser();
  tab = await openTab(browser);
});
after(async () => {
  traffic?.abandon();
  await browser.close();
});

const at = (hash: string): string => `${system.url('monitor')}/${hash}`;
test('where there is no model the page says how one is made', async () => {
  await tab.page.goto(at('#/'));
  await tab.page.getByText('No models yet').waitFor();
  assert.match(await tab.page.locator('pre').innerText(), /headrace -- create -f spec\.yaml/);
  await tab.page.goto(at(`#/models/${MODEL}`));
  await tab.page.getByText('Nothing is known of this model').waitFor();
  assert.deepEqual(
    tab.errors().filter((error) => !/404|status of 4/.test(error)),
    [],
  );
});

test('a model that is made while the page is open appears, and its figures go on by themselves', async () => {
  const { page } = tab;
  await page.goto(at('#/'));
  const operator = system.operator(MODEL);
  const patient = {
    ...QUICK_POLICY,
    shadowExamplesMin: 1_000_000,
    holdMinMs: 600_000,
    rollbackWindowMs: 600_000,
  };
  await operator.createModel(judgedSpec(MODEL, patient));
  await page.getByRole('link', { name: MODEL, exact: true }).waitFor();
  await operator.setTraffic({ stable: await operator.addVersion({ mode: 'cold' }) });
  await waitUntil(
    async () => {
      // Long ago in event time: the watermark must not pass the traffic's.
      const predictedAtMs = Date.now() - 25 * 3_600_000;
      const body = { subject: 'probe', features: { colour: 'c1' }, predictedAtMs };
      const { status } = await system.http.send(
        'POST',
        `${system.url('router')}/v1/models/${MODEL}/predict`,
        body,
      );
      if (status !== 200) throw new Error(String(status));
    },
    { what: 'the router to serve', limitMs: 30_000 },
  );
  traffic = startJudgedTraffic({ system, model: MODEL, seed: 3, roundSize: 10, roundMs: 100 });
  await page.getByRole('link', { name: MODEL, exact: true }).click();
  await card(page, 'Progressive loss').waitFor();
  const first = await stat(page, 'Labels');
  await untilTrue('the count of labels to rise', async () => (await stat(page, 'Labels')) !== first);
  await untilTrue('a loss to be shown', async () => /^\d\.\d{4}$/.test(await stat(page, 'Recent log-loss')));
  const numbers = card(page, 'Progressive loss').locator('details.values');
  await numbers.locator('summary').click();
  const rows = numbers.locator('tbody tr');
  await untilTrue('the chart to have points', async () => (await rows.count()) >= 3);
  assert.match(
    (await card(page, 'Progressive loss').locator('.plot').getAttribute('aria-label')) ?? '',
    /v1 0\.\d{4}, base rate 0\.\d{4}/,
  );
  assert.deepEqual(tab.errors(), []);
});

test('buttons do what they say: a rollout is started, paused, resumed, promoted, rolled back, and the history tells it', async () => {
  const { page } = tab;
  await system.operator(MODEL).addVersion({ mode: 'copy', learner: { alpha: 0.4 } });
  const rollout = rolloutClient(system, MODEL);
  await page.goto(at(`#/models/${MODEL}/rollout`));
  await page.getByText('No rollout has been tried yet').waitFor();
  await command(page, 'Start a rollout', 'a lower learning rate → better');
  await card(page, 'Gates').waitFor();
  assert.equal((await rollout.get()).rollout.candidate, 2);
  await command(page, 'Pause', 'lunch');
  await page.getByText('paused', { exact: true }).first().waitFor();
  assert.match((await rollout.get()).rollout.pausedBecause ?? '', /lunch/);
  await command(page, 'Resume', 'back');
  await untilTrue('the rollout to go on', async () => (await rollout.get()).rollout.pausedBecause === null);
  await command(page, 'Promote', 'we are sure');
  await rollout.until('canary', 0);
  await page.locator('.rail .now', { hasText: '10 %' }).waitFor();
  await untilTrue('a gate to have compared', async () =>
    /\d/.test(await card(page, 'Gates').locator('tbody tr').first().locator('td').last().innerText()),
  );
  await page.getByRole('button', { name: 'tail', exact: true }).click();
  await page.getByText('tail: evidence over time').waitFor();
  await command(page, 'Roll back', 'enough seen');
  await page.getByText('rolled back').first().waitFor();
  assert.equal((await rollout.get()).rollout.phase, 'rolledBack');
  await page.getByRole('link', { name: 'History', exact: true }).click();
  const why = page.locator('tr', { hasText: 'RolloutRolledBack' });
  await why.waitFor();
  assert.match(await why.innerText(), /ada[\s\S]*enough seen/);
  assert.match(
    await page.locator('tr', { hasText: 'RolloutStarted' }).innerText(),
    /a lower learning rate → better/,
  );
  assert.match(await card(page, 'History').locator('header').innerText(), /verified\s*\d+ events/);
  assert.deepEqual(tab.errors(), []);
});

test('two versions are compared, Escape leaves everything as it is, and a command of another page is refused', async () => {
  const { page } = tab;
  await page.goto(at(`#/models/${MODEL}/versions`));
  await page.getByLabel('Second').selectOption('v2');
  await card(page, 'Compare two').getByText('everything v1 had learned').waitFor();
  await page.goto(at(`#/models/${MODEL}/rollout`));
  await page.getByRole('button', { name: 'Start a rollout' }).click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const url = `${system.url('monitor')}/registry/v1/models/${MODEL}/rollout/abort`;
  const body = { actor: 'eve', reason: 'mischief' };
  for (const headers of [
    {},
    { origin: 'http://evil.example' },
    { origin: system.url('monitor'), 'sec-fetch-site': 'cross-site' },
  ])
    assert.equal((await system.http.send('POST', url, body, headers)).status, 403);
  const sameOrigin = { origin: system.url('monitor') };
  const refused = await system.http.send('POST', url, body, sameOrigin);
  assert.equal(refused.status, 409, JSON.stringify(refused.body));
  assert.equal(
    (
      await system.http.send('GET', `${system.url('monitor')}/v1/view/overview`, undefined, {
        host: 'evil.example',
      })
    ).status,
    421,
  );
});

test('what was set aside is shown with its reason and put back', async () => {
  const { page } = tab;
  const producer = system.kafka.producer();
  await producer.connect();
  await producer.send({
    topic: 'training-events.v1',
    messages: [{ key: `${MODEL}#0`, value: 'no record', partition: 0 }],
  });
  await producer.disconnect();
  await page.goto(at('#/stream'));
  const letters = card(page, 'Dead letters');
  await letters.locator('tbody tr').first().waitFor({ timeout: 20_000 });
  const before = await letters.locator('tbody tr').count();
  await letters.locator('tbody summary').first().click();
  await letters.getByText('no record').first().waitFor();
  await command(page, 'Put back', 'to see it come again');
  await untilTrue(
    'it to be set aside again',
    async () => (await letters.locator('tbody tr').count()) > before,
  );
  await untilTrue(
    'consumers to be listed',
    async () => (await card(page, 'Consumers').locator('tbody tr').count()) > 0,
  );
  assert.deepEqual(tab.errors(), []);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`every page opens without an error and without a barrier, in ${scheme}`, async () => {
    const { page, errors, close } = await openTab(browser, { scheme });
    for (const hash of PAGES) {
      await page.goto(at(hash));
      await page.locator('main section').first().waitFor();
      await page.evaluate('document.fonts.ready');
      assert.deepEqual(await barriers(page), [], `${hash} in ${scheme}`);
    }
    await page.goto(at(`#/models/${MODEL}/rollout`));
    await page.getByRole('button', { name: 'Start a rollout' }).click();
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await barriers(page), [], `the dialog in ${scheme}`);
    assert.deepEqual(errors(), []);
    await close();
  });
}

test('the theme is chosen by a button and kept, and everything is reached by keyboard', async () => {
  const { page, close } = await openTab(browser, { scheme: 'light' });
  await page.goto(at('#/'));
  await page.getByRole('link', { name: MODEL, exact: true }).waitFor();
  const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
  const light = await ground();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
  for (let at = 0; at < 5; at += 1) await page.keyboard.press('Tab');
  assert.match(await page.evaluate('document.activeElement.getAttribute("aria-label")'), /^Theme: auto/);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  assert.notEqual(await ground(), light);
  await page.reload();
  await page.getByRole('link', { name: MODEL, exact: true }).waitFor();
  assert.notEqual(await ground(), light);
  await close();
});

test('the registry away: the page says so, also to who commands, and its figures go on', async () => {
  const { page } = tab;
  await system.fleet.one('registry').kill();
  await page.goto(at(`#/models/${MODEL}/history`));
  await page.getByText('the registry does not answer').first().waitFor();
  await page.getByRole('link', { name: 'Model', exact: true }).click();
  const first = await stat(page, 'Labels');
  await untilTrue('figures to go on', async () => (await stat(page, 'Labels')) !== first);
  await page.getByRole('link', { name: 'Rollout', exact: true }).click();
  await ask(page, 'Start a rollout', 'nobody hears it');
  await page.getByRole('alert').getByText('the registry does not answer').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: 'History', exact: true }).click();
  await system.fleet.one('registry').start();
  await system.fleet.one('registry').untilReady();
  await page.locator('tr', { hasText: 'ModelCreated' }).waitFor({ timeout: 20_000 });
  tab.errors(); // the browser tells of every request that was answered with 503
});

test('the monitor stops although a page is open, and after its restart the page goes on by itself', async () => {
  const { page } = tab;
  const monitor = system.fleet.one('monitor');
  await page.goto(at(`#/models/${MODEL}`));
  await card(page, 'Progressive loss').waitFor();
  await monitor.stop();
  const lines = readFileSync(monitor.logFile, 'utf8').trim().split('\n');
  assert.match(lines.at(-1) ?? '', /"stopped"/);
  await page.getByText('no connection').waitFor();
  await monitor.start();
  await page.getByText('live', { exact: true }).waitFor({ timeout: 30_000 });
  const first = await stat(page, 'Labels');
  await untilTrue('figures to go on', async () => (await stat(page, 'Labels')) !== first);
  tab.errors(); // connections that were refused
});

test('a thousand models are shown in pages, found by name, and go on by themselves', async () => {
  const { page } = tab;
  const create = async (index: number): Promise<void> => {
    const spec = {
      name: `model-${String(index).padStart(4, '0')}`,
      features: [{ name: 'colour', type: 'categorical' }],
    };
    const { status } = await system.http.send('POST', `${system.url('registry')}/v1/models`, spec);
    assert.equal(status, 201);
  };
  await Promise.all(Array.from({ length: MODELS }, (_, index) => create(index)));
  await page.goto(at('#/'));
  await untilTrue('all models to be counted', async () => (await stat(page, 'Models')) === '1,001');
  const rows = card(page, 'Models').locator('tbody tr');
  assert.equal(await rows.count(), 50);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('page 2 of 21').waitFor();
  await page.getByPlaceholder('Find by name').fill('model-0777');
  await untilTrue('one to be found', async () => (await rows.count()) === 1);
  await page.getByPlaceholder('Find by name').fill(MODEL);
  const shown = rows.first();
  const before = await shown.innerText();
  await untilTrue('its row to change', async () => (await shown.innerText()) !== before);
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(tab.errors(), []);
});

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

/* Planted text is linted under the path of a file that exists: the configuration goes by the path, and rules that know
   types need a file of the program. */
const DOMAIN = 'shared/domain/rng.ts';
const SERVICE_DOMAIN = 'services/router/domain/parity.ts';
const SERVICE = 'services/router/service.ts';
const MAIN = 'services/router/main.ts';
const DEPLOY = 'deploy/checks/steps.ts';
const TEST = 'test/unit/house/lint-rules.test.ts';

/** Lints without types: quick, and all that the restrictions of syntax need. */
const untyped = new ESLint({
  cwd: REPOSITORY,
  overrideConfig: [
    tseslint.configs.disableTypeChecked,
    { languageOptions: { parserOptions: { projectService: false, project: null } } },
  ],
});
const typed = new ESLint({ cwd: REPOSITORY });

async function brokenRules(eslint: ESLint, path: string, code: string): Promise<string[]> {
  assert.ok(existsSync(join(REPOSITORY, path)), path);
  const [result] = await eslint.lintText(code, { filePath: join(REPOSITORY, path) });
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message);
}

/** Code that must not stand in a decision, and the rule that says so. */
const IMPURE: readonly (readonly [string, string, string])[] = [
  ['the clock', 'export const now = () => Date.now();', 'no-restricted-syntax'],
  ['a date of now', 'export const now = () => new Date();', 'no-restricted-syntax'],
  ['unseeded randomness', 'export const dice = () => Math.random();', 'no-restricted-syntax'],
  ['an async function', 'export async function decide() { return 1; }', 'no-restricted-syntax'],
  ['an async arrow function', 'export const decide = async () => 1;', 'no-restricted-syntax'],
  ['waiting', 'export const one = await Promise.resolve(1);', 'no-restricted-syntax'],
  ['the environment', 'export const home = process.env.HOME;', 'no-restricted-syntax'],
  ...[
    'fetch',
    'process',
    'Buffer',
    'console',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'queueMicrotask',
    'performance',
    'crypto',
  ].map((name) => [name, `export const used = ${name};`, 'no-restricted-globals'] as const),
];

for (const [name, code, rule] of IMPURE) {
  test(`a decision that uses ${name} is refused, in shared and in a service`, async () => {
    assert.ok((await brokenRules(untyped, DOMAIN, code)).includes(rule));
    assert.ok((await brokenRules(untyped, SERVICE_DOMAIN, code)).includes(rule));
  });
}

test('what a decision must not use is free to the shell around it', async () => {
  const free = IMPURE.filter(([name]) => name !== 'the environment');
  for (const [name, code] of free) assert.deepEqual(await brokenRules(untyped, SERVICE, code), [], name);
});

test('a date of a given time is a value, and allowed in a decision', async () => {
  assert.deepEqual(await brokenRules(untyped, DOMAIN, 'export const at = (ms: number) => new Date(ms);'), []);
});

test('the environment is read in main.ts, in deploy and in tests alone', async () => {
  const code = 'export const home = process.env.HOME;';
  assert.deepEqual(await brokenRules(untyped, SERVICE, code), ['no-restricted-syntax']);
  for (const path of [MAIN, DEPLOY, TEST]) assert.deepEqual(await brokenRules(untyped, path, code), [], path);
});

test('a file of more than 300 lines is refused', async () => {
  const lines = (count: number): string => Array.from({ length: count }, () => 'export {};\n').join('');
  assert.deepEqual(await brokenRules(untyped, SERVICE, lines(300)), []);
  assert.deepEqual(await brokenRules(untyped, SERVICE, lines(301)), ['max-lines']);
});

test('loose comparison is refused, but for null', async () => {
  const compare = (what: string): string => `export const is = (a: number | null) => a == ${what};`;
  assert.deepEqual(await brokenRules(untyped, SERVICE, compare('1')), ['eqeqeq']);
  assert.deepEqual(await brokenRules(untyped, SERVICE, compare('null')), []);
});

test('what is not used is refused unless its name begins with an underscore', async () => {
  const rule = '@typescript-eslint/no-unused-vars';
  assert.deepEqual(await brokenRules(untyped, SERVICE, 'const unused = 1;\nexport {};'), [rule]);
  assert.deepEqual(await brokenRules(untyped, SERVICE, 'const _unused = 1;\nexport {};'), []);
});

test('an exception that nothing needs is refused', async () => {
  const [message = ''] = await brokenRules(
    untyped,
    SERVICE,
    '// eslint-disable-next-line eqeqeq\nexport const one = 1;',
  );
  assert.match(message, /^Unused eslint-disable directive/);
});

test('types are imported as types, promises are awaited, switches cover their union', async () => {
  const code = `import { HttpProblem } from '../../shared/http/problem.ts';
export type Problem = HttpProblem;
export function start(): void {
  Promise.resolve(1);
}
export function nameOf(arm: 'stable' | 'candidate'): string {
  switch (arm) {
    case 'stable':
      return 'stable';
  }
  return '';
}
`;
  assert.deepEqual((await brokenRules(typed, SERVICE, code)).sort(), [
    '@typescript-eslint/consistent-type-imports',
    '@typescript-eslint/no-floating-promises',
    '@typescript-eslint/switch-exhaustiveness-check',
  ]);
});

test('a test needs no await, any other promise in a test does', async () => {
  const code = `import { test } from 'node:test';
test('nothing', () => undefined);
Promise.resolve(1);
`;
  assert.deepEqual(await brokenRules(typed, TEST, code), ['@typescript-eslint/no-floating-promises']);
});

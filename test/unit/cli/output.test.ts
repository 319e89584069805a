import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLiveText } from '../../../deploy/cli/live-text.ts';
import { CliError, painter } from '../../../deploy/cli/io.ts';
import { eventOf } from '../../../deploy/cli/commands/data.ts';
import { pairsOf, timeMs, wholeNumber } from '../../../deploy/cli/arguments.ts';
import { logLine } from '../../../deploy/cli/commands/up.ts';
import { gateLine } from '../../../deploy/cli/model-tree.ts';
import { cut, duration, formatOf, machineText, table, widthOf } from '../../../deploy/cli/output.ts';
import { cellOf } from '../../../deploy/cli/rows.ts';

const usage = { exitCode: 2 };

test('columns are aligned whatever is in them, colours do not count', () => {
  const red = painter(true)('bad', 'no');
  assert.equal(widthOf(red), 2);
  assert.equal(
    table(
      ['A', 'B'],
      [
        [red, 'x'],
        ['longer', 'y'],
      ],
    ),
    `A       B\n${red}      x\nlonger  y\n`,
  );
  assert.equal(painter(false)('bad', 'no'), 'no');
});

test('times are written in their two largest units', () => {
  assert.deepEqual([12.4, 1500, 61_000, 3_700_000, 200_000_000].map(duration), [
    '12 ms',
    '1.5 s',
    '1 min 1 s',
    '1 h 1 min',
    '2 d 7 h',
  ]);
});

test('a line that is too long is cut, one that fits is left with its colours', () => {
  assert.equal(cut('abcdef', 4), 'abc…');
  const painted = painter(true)('good', 'abcd');
  assert.equal(cut(painted, 4), painted);
});

test('formats for machines hold the value, formats are named when one is wrong', () => {
  assert.equal(machineText('json', { a: 1 }), '{\n  "a": 1\n}\n');
  assert.equal(machineText('yaml', { a: 1 }), 'a: 1\n');
  assert.equal(machineText('wide', { a: 1 }), undefined);
  assert.throws(() => formatOf('xml'), { ...usage, message: 'output xml, allowed table, wide, json, yaml' });
});

test('arguments are read strictly: what is wrong is named with what is allowed', () => {
  assert.deepEqual(
    ['500ms', '90s', '5m', '2h', '1d'].map(timeMs),
    [500, 90_000, 300_000, 7_200_000, 86_400_000],
  );
  assert.throws(() => timeMs('5 minutes'), usage);
  assert.deepEqual(pairsOf(['a=1', 'b=x=y', 'c=true', 'd=null', 'e=']), {
    a: 1,
    b: 'x=y',
    c: true,
    d: null,
    e: '',
  });
  assert.throws(() => pairsOf(['=1']), usage);
  assert.equal(wholeNumber('version', 'v3'), 3);
  assert.throws(() => wholeNumber('version', '0'), {
    ...usage,
    message: 'version 0, allowed whole numbers from 1',
  });
});

test('cells of a CSV file are numbers and booleans where they read as such', () => {
  assert.deepEqual(['1', '-2.5', '1e3', 'true', '', '  ', 'x1', '0x10', '1-2'].map(cellOf), [
    1,
    -2.5,
    1000,
    true,
    null,
    null,
    'x1',
    '0x10',
    '1-2',
  ]);
});

test('a row becomes an event with an id that is the same whenever it is sent', () => {
  const features = [
    { name: 'colour', type: 'categorical' },
    { name: 'size', type: 'numeric' },
  ] as const;
  const row = { colour: 7, size: 2, late: 1, route: 'A-B' };
  const columns = { label: 'late', subject: 'route' };
  assert.deepEqual(eventOf(row, 4, features, columns, 'file'), {
    id: 'file-4',
    subject: 'A-B',
    label: 1,
    features: { colour: '7', size: 2 },
  });
  assert.throws(() => eventOf({ colour: 1 }, 4, features, columns, 'file'), {
    exitCode: 1,
    message: 'row 5 has no column late, it has colour',
  });
  assert.ok(new CliError('x', 1) instanceof Error);
});

test('a live text is written over what it was; only lines that changed are', () => {
  const written: string[] = [];
  const text = createLiveText({ out: (one) => written.push(one), isTerminal: true, columns: () => 80 });
  text.show(['one', 'two']);
  written.length = 0;
  text.show(['one', 'three']);
  assert.deepEqual(written, ['\u001B[2A\n\u001B[2Kthree\n']);
  text.show(['one', 'three']);
  assert.equal(written.length, 1);
  text.show(['one']);
  assert.deepEqual(written[1], '\u001B[2A\n\u001B[2K\n\u001B[1A');
});

test('without a terminal a live text is written below itself when it changes', () => {
  const written: string[] = [];
  const text = createLiveText({ out: (one) => written.push(one), isTerminal: false, columns: () => 80 });
  text.show(['one']);
  text.show(['one']);
  text.show(['two']);
  text.end();
  assert.deepEqual(written, ['one\n', 'two\n']);
});

test('a gate shows what decides: for it while it may promote, against it once it is over', () => {
  const paint = painter(false);
  const evidence = (logE: number): { logE: number; maxLogE: number; thresholdLogE: number } => ({
    logE,
    maxLogE: logE,
    thresholdLogE: Math.log(20),
  });
  const stream = {
    name: 'loss',
    role: 'objective',
    count: 1200,
    estimate: -0.0123,
    interval: [-0.02, -0.004],
    lastWindow: -0.01,
    rollback: evidence(0),
    promote: evidence(Math.log(10)),
    examplesNeeded: 12,
  } as const;
  assert.equal(
    gateLine(stream, paint),
    '◌ loss        −0.0123 [−0.0200, −0.0040]    ████████░░  e-value for it 10.0 of 20.0  1,200 compared',
  );
  assert.match(gateLine({ ...stream, promote: evidence(4) }, paint), /^✔ loss/);
  assert.match(gateLine({ ...stream, rollback: evidence(4) }, paint), /^✖ loss .*against it 54.6 of 20.0/);
});

test('a line of a log is written for people, anything else as it is', () => {
  const line = JSON.stringify({
    level: 40,
    time: '2026-11-26T08:00:01.500Z',
    service: 'x',
    msg: 'slow',
    ms: 3,
  });
  assert.equal(logLine(line), '08:00:01.500 warning slow ms=3');
  assert.equal(logLine('Killed'), 'Killed');
});

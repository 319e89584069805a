import type { Command } from 'commander';
import type { DeadLetter } from '../../../shared/domain/events.ts';
import { MONITORED_TOPICS } from '../../../services/monitor/domain/shard-monitor.ts';
import { messageOf } from '../../../shared/errors.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { logRanges } from '../../../shared/kafka/partition-count.ts';
import { count, duration, table } from '../output.ts';
import { openReader } from '../stack.ts';
import type { Reader } from '../stack.ts';

/** Consumer groups, and the topics that each reads. */
const GROUPS = {
  'headrace-ingest-join': ['predictions.v1', 'labels.v1'],
  'headrace-online-learner': ['training-events.v1'],
  'headrace-monitor': MONITORED_TOPICS,
} as const;

async function lag(context: Context): Promise<void> {
  const { kafka } = await openReader(context.io, [
    'predictions.v1',
    'labels.v1',
    'scores.v1',
    'training-events.v1',
  ]);
  const admin = kafka.admin();
  const rows: {
    group: string;
    topic: string;
    partition: number;
    committed: number;
    end: number;
    lag: number;
  }[] = [];
  try {
    await admin.connect();
    for (const [group, topics] of Object.entries(GROUPS)) {
      const read = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
      for (const { topic, partitions } of read) {
        const ends = await logRanges(kafka, topic as 'labels.v1');
        for (const { partition, offset } of partitions) {
          const { start = 0, end = 0 } = ends.get(partition) ?? {};
          const committed = Math.max(Number(offset), start);
          if (end > start)
            rows.push({ group, topic, partition, committed, end, lag: Math.max(0, end - committed) });
        }
      }
    }
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
  rows.sort((a, b) => b.lag - a.lag);
  context.print(rows, () =>
    table(
      ['GROUP', 'TOPIC', 'PARTITION', 'POSITION', 'END', 'LAG'],
      rows.map((one) => [
        one.group,
        one.topic,
        String(one.partition),
        String(one.committed),
        String(one.end),
        count(one.lag),
      ]),
    ),
  );
}

interface Letter extends DeadLetter {
  /** Its own offset on dead-letters.v1: what it is named by. */
  readonly number: number;
}

async function lettersOf(reader: Reader): Promise<Letter[]> {
  const letters: Letter[] = [];
  for await (const { value, source } of reader.records('dead-letters.v1', 0))
    letters.push({ ...value, number: source.offset });
  return letters;
}

async function letterOf(reader: Reader, number: string): Promise<Letter> {
  const found = (await lettersOf(reader)).find((one) => String(one.number) === number);
  if (found === undefined) throw new CliError(`there is no dead letter ${number}`, EXIT.refused);
  return found;
}

async function listLetters(context: Context, last: number): Promise<void> {
  const letters = (await lettersOf(await openReader(context.io, ['dead-letters.v1']))).slice(-last);
  const shown = letters.map(({ key: _key, value: _value, ...rest }) => rest);
  context.print(shown, () =>
    letters.length === 0
      ? 'no dead letters\n'
      : table(
          ['NUMBER', 'AGE', 'SERVICE', 'FROM', 'REASON', 'DETAIL'],
          letters.map((one) => [
            String(one.number),
            duration(Math.max(0, context.io.nowMs() - one.atMs)),
            one.service,
            `${one.topic}/${String(one.partition)}@${String(one.offset)}`,
            one.reason,
            one.detail.slice(0, 80),
          ]),
        ),
  );
}

async function showLetter(context: Context, number: string): Promise<void> {
  const reader = await openReader(context.io, [
    'dead-letters.v1',
    'training-events.v1',
    'labels.v1',
    'predictions.v1',
  ]);
  const { key, value, ...rest } = await letterOf(reader, number);
  const shown = {
    ...rest,
    key: key === null ? null : Buffer.from(key).toString('utf8'),
    valueBytes: value?.length ?? 0,
    valueBase64: value === null ? null : Buffer.from(value).toString('base64'),
  };
  context.print(shown, () =>
    Object.entries(shown)
      .map(([name, one]) => `${`${name}:`.padEnd(14)} ${String(one).slice(0, 400)}\n`)
      .join(''),
  );
}

/** Puts a record that was set aside back on its topic, as it came: after its cause was mended. */
async function redrive(context: Context, number: string): Promise<void> {
  const reader = await openReader(context.io, ['dead-letters.v1']);
  const letter = await letterOf(reader, number);
  const { key, value, topic, partition } = letter;
  if (value === null) throw new CliError(`dead letter ${number} has no value to send again`, EXIT.refused);
  const producer = reader.kafka.producer({ idempotent: true });
  try {
    await producer.connect();
    const message = { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), partition };
    const [written] = await producer.send({ topic, messages: [message], acks: -1 });
    const offset = written?.baseOffset ?? '?';
    context.print(
      { number: letter.number, topic, partition, offset },
      () => `dead letter ${number} is on ${topic}/${String(partition)} again, at offset ${offset}\n`,
    );
  } catch (error) {
    throw new CliError(`not written: ${messageOf(error)}`, EXIT.unreachable);
  } finally {
    await producer.disconnect().catch(() => undefined);
  }
}

/** Adds `lag` and `dead-letters`. */
export function topicCommands(program: Command, io: Io): void {
  program
    .command('lag')
    .description('how far each consumer is behind, partition by partition')
    .action((_options: object, command: Command) => inContext(io, command, lag));
  const letters = program.command('dead-letters').description('records that were set aside, and why');
  letters
    .command('list')
    .description('the newest ones')
    .option('--last <count>', 'how many', '50')
    .action((options: { last: string }, command: Command) =>
      inContext(io, command, (context) => listLetters(context, Number(options.last))),
    );
  letters
    .command('show <number>')
    .description('one, with its bytes')
    .action((number: string, _options: object, command: Command) =>
      inContext(io, command, (context) => showLetter(context, number)),
    );
  letters
    .command('redrive <number>')
    .description('put one back on its topic as it came, once its cause is mended')
    .action((number: string, _options: object, command: Command) =>
      inContext(io, command, (context) => redrive(context, number)),
    );
}

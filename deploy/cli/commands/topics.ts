import type { Command } from 'commander';
import { messageOf } from '../../../shared/errors.ts';
import { consumerLag } from '../../../shared/kafka/consumer-lag.ts';
import { createDeadLetterDesk } from '../../../shared/kafka/dead-letter-desk.ts';
import type { DeadLetterDesk, NumberedLetter } from '../../../shared/kafka/dead-letter-desk.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { count, duration, table } from '../output.ts';
import { openReader } from '../stack.ts';

async function lag(context: Context): Promise<void> {
  const rows = await consumerLag((await openReader(context.io, ['labels.v1'])).kafka);
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

const MOST_LETTERS = 10_000;

async function openDesk(context: Context): Promise<DeadLetterDesk> {
  const { kafka, codec } = await openReader(context.io, ['dead-letters.v1']);
  return createDeadLetterDesk(kafka, codec);
}

async function letterOf(desk: DeadLetterDesk, number: string): Promise<NumberedLetter> {
  const found = /^\d+$/.test(number) ? await desk.one(Number(number)) : undefined;
  if (found === undefined) throw new CliError(`there is no dead letter ${number}`, EXIT.refused);
  return found;
}

async function listLetters(context: Context, last: number): Promise<void> {
  if (!(last >= 1 && last <= MOST_LETTERS))
    throw new CliError(`--last ${String(last)}, allowed 1 … ${String(MOST_LETTERS)}`, EXIT.usage);
  const letters = await (await openDesk(context)).newest(last);
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
  const { key, value, ...rest } = await letterOf(await openDesk(context), number);
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
  const desk = await openDesk(context);
  const letter = await letterOf(desk, number);
  try {
    const { topic, partition, offset } = await desk.redrive(letter);
    context.print(
      { number: letter.number, topic, partition, offset },
      () => `dead letter ${number} is on ${topic}/${String(partition)} again, at offset ${offset}\n`,
    );
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(error.message, EXIT.refused);
    throw new CliError(`not written: ${messageOf(error)}`, EXIT.unreachable);
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

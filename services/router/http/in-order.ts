interface UnderWay {
  text: string | undefined;
  readonly settled: Promise<void>;
}

/**
 * Yields what becomes of the items in their order, as soon as the oldest is there, joined where several are, with at most
 * `atOnce` of them under way or waiting to be taken. Items are taken no faster than answers are. Ends the items when it is
 * ended.
 *
 * @param answer must not reject; an answer is text with its own line end
 */
export async function* inOrder<Item>(
  items: AsyncIterable<Item>,
  answer: (item: Item) => Promise<string>,
  atOnce: number,
): AsyncGenerator<string> {
  const iterator = items[Symbol.asyncIterator]();
  const underWay: UnderWay[] = [];
  let next: Promise<void> | undefined;
  const source = { isEnded: false };

  function begin(item: Item): void {
    const settled = answer(item).then((text) => {
      one.text = text;
    });
    const one: UnderWay = { text: undefined, settled };
    underWay.push(one);
  }

  function askForNext(): Promise<void> {
    const asked = iterator.next().then(({ done = false, value }) => {
      next = undefined;
      if (done) source.isEnded = true;
      else begin(value as Item);
    });
    asked.catch(() => undefined); // whoever waits hears of it; nobody waits when the answers were ended
    return asked;
  }

  function ready(): string {
    const pending = underWay.findIndex(({ text }) => text === undefined);
    const done = underWay.splice(0, pending < 0 ? underWay.length : pending);
    return done.map(({ text }) => text).join('');
  }

  try {
    for (;;) {
      if (!source.isEnded && underWay.length < atOnce) next ??= askForNext();
      const waits = [next, underWay[0]?.settled].filter((one) => one !== undefined);
      if (waits.length === 0) return;
      await Promise.race(waits);
      if (underWay[0]?.text !== undefined) yield ready();
    }
  } finally {
    iterator.return?.(undefined).catch(() => undefined); // not waited for: it may be reading
  }
}

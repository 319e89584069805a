import { connect } from 'node:net';

const METADATA_KEY = 3;
const METADATA_VERSION = 2;

/** What a broker says about its cluster. */
export interface ClusterAnswer {
  readonly clusterId: string;
  /** Brokers that take requests. */
  readonly brokerCount: number;
}

function metadataRequest(): Buffer {
  const client = Buffer.from('headrace-probe');
  const head = Buffer.alloc(14);
  head.writeInt32BE(head.length - 4 + client.length + 4, 0);
  head.writeInt16BE(METADATA_KEY, 4);
  head.writeInt16BE(METADATA_VERSION, 6);
  head.writeInt32BE(1, 8);
  head.writeInt16BE(client.length, 12);
  return Buffer.concat([head, client, Buffer.alloc(4)]); // no topics
}

/** Reads a Metadata answer, version 2, after its size: correlation id, brokers, cluster id. */
function readMetadata(answer: Buffer): ClusterAnswer {
  let at = 4;
  const readString = (): string => {
    const length = answer.readInt16BE(at);
    at += 2;
    if (length < 0) return '';
    const text = answer.toString('utf8', at, at + length);
    at += length;
    return text;
  };
  const brokerCount = answer.readInt32BE(at);
  at += 4;
  for (let index = 0; index < brokerCount; index += 1) {
    at += 4; // node id
    readString(); // host
    at += 4; // port
    readString(); // rack
  }
  return { brokerCount, clusterId: readString() };
}

/** Returns what the broker at `host:port` answers to a Metadata request; throws when it does not answer in `limitMs`. */
export function askKafka(host: string, port: number, limitMs = 2000): Promise<ClusterAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    socket.setTimeout(limitMs, () =>
      socket.destroy(new Error(`no answer from ${host}:${String(port)} in ${String(limitMs)} ms`)),
    );
    socket.on('connect', () => socket.write(metadataRequest()));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      try {
        resolve(readMetadata(received.subarray(4)));
      } catch (error) {
        reject(new Error(`${host}:${String(port)} does not speak Kafka's protocol`, { cause: error }));
      }
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error(`${host}:${String(port)} closed the connection`));
    });
  });
}

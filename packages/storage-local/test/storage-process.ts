/** A process of its own that uses a local storage: `storage-process.ts DIRECTORY COMMAND ARGUMENT…`; prints one line. */
import { silentLogger, systemClock } from '@splitrock/core/plugin';
import { LocalStorage, localStorageOptionsSchema } from '@splitrock/storage-local';

const [, , directory, command, ...args] = process.argv;
const storage = new LocalStorage(localStorageOptionsSchema.parse({ directory }), {
  clock: systemClock,
  logger: silentLogger,
});

/** Creates ARGUMENT[0] keys, each at the same time as the other processes do, and prints how often it was first. */
async function race(count: number): Promise<void> {
  process.stdin.resume();
  console.log('ready');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  const own = new TextEncoder().encode(String(process.pid));
  let won = 0;
  for (let number = 0; number < count; number++) {
    if ((await storage.put(`race/${number}`, own, { ifAbsent: true })).created) won++;
  }
  console.log(`won ${won}`);
  process.exit(0);
}

/** Writes a stream that never ends and says when its first megabyte was taken. */
async function writeForever(key: string): Promise<void> {
  const body = (async function* () {
    for (let sent = 0; ; sent++) {
      if (sent === 16) console.log('writing');
      yield new Uint8Array(65_536).fill(1);
      await new Promise(setImmediate);
    }
  })();
  await storage.put(key, body);
}

if (command === 'race') await race(Number(args[0]));
else if (command === 'write-forever') await writeForever(String(args[0]));
else throw new Error(`unknown command ${command}`);

/** Run by another Node.js: writes a message to a file, or reads one and says whether it is what it must be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { decodeValue, encodeValue } from '../../src/codec/codec.ts';
import { graphDifference } from './graph-difference.ts';
import { sampleOfAllKinds } from './sample-of-all-kinds.ts';

const [, , mode, file = ''] = process.argv;
if (mode === 'write') {
  writeFileSync(file, encodeValue(sampleOfAllKinds()));
} else {
  const difference = graphDifference(decodeValue(readFileSync(file)), sampleOfAllKinds());
  process.stdout.write(difference ?? 'same');
}

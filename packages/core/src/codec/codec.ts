/**
 * The data codec: values to bytes and back, exactly, or an error that names the path. `docs/data-codec.md` has the
 * format and the table of what travels how.
 */
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { corrupt, unsupported } from './codec-errors.ts';
import { HEADER_BYTES, LAYOUT } from './format.ts';
import { openFrame, rawFrame, readV8Payload, sealFrame, V8PayloadError } from './frame.ts';
import { ExtensionFailure, GraphReader } from './graph-reader.ts';
import { GraphWriter, type GraphWriterOptions } from './graph-writer.ts';
import { PlainScanner } from './plain-scanner.ts';
import { isReference, readPrimitive, writePrimitive } from './values.ts';
import { isSplitrockError } from '../errors/splitrock-error.ts';
import type { GraphExtension } from './graph-extension.ts';

/** How to encode; all optional. */
export interface EncodeOptions {
  /** Carries what the codec cannot: functions, classes, built-ins by identity. */
  readonly extension?: GraphExtension;
  /** Told once per class whose instances travel as plain data. @defaultValue silent */
  readonly onWarning?: (warning: CodecWarning) => void;
  /** Writes no v8 payload, for a reader whose V8 has another serialization format. Slower. @defaultValue false */
  readonly portable?: boolean;
}

/** How to decode; all optional. */
export interface DecodeOptions {
  /** The counterpart of the extension that encoded. */
  readonly extension?: GraphExtension;
  /** Told once per class whose instances arrive as plain data. @defaultValue silent */
  readonly onWarning?: (warning: CodecWarning) => void;
}

/** Something that travels, but not as what it was. */
export interface CodecWarning {
  readonly className: string;
  /** Where the first such instance is, from the root; empty for the root and when decoding. */
  readonly path: string;
  readonly message: string;
}

/**
 * The bytes of a value, synchronously: what happens to the value later changes nothing. No getter of the value runs.
 *
 * @throws SerializationError `SERIALIZE_UNSUPPORTED` naming the path of what cannot travel; what the extension throws.
 * @example
 * ```ts
 * encodeValue({ at: new Date(), pixels: new Float32Array(1_000_000) });
 * encodeValue({ items: [{ stream: process.stdin }] }); // Cannot send a stream [path=.items[0].stream]; …
 * ```
 */
export function encodeValue(value: unknown, options: EncodeOptions = {}): Uint8Array {
  return isReference(value) ? encodeReference(value, options) : encodePrimitive(value);
}

/**
 * The value of bytes that {@link encodeValue} made. The bytes may be changed afterwards: nothing of the value lies on them.
 *
 * @throws SerializationError `DATA_VERSION` for another format, codec version or V8; `DATA_CORRUPT` for damage of any
 * kind; what the extension throws.
 */
export function decodeValue(bytes: Uint8Array, options: DecodeOptions = {}): unknown {
  const frame = openFrame(bytes);
  try {
    switch (frame.layout) {
      case LAYOUT.value: {
        const input = new ByteReader(frame.bytes, HEADER_BYTES, frame.bodyEnd);
        const value = readPrimitive(input, input.byte());
        input.expectEnd();
        return value;
      }
      case LAYOUT.raw:
        return readV8Payload(frame.bytes.subarray(HEADER_BYTES, frame.bodyEnd));
      case LAYOUT.graph:
        return new GraphReader(frame, { extension: options.extension, onDegraded: arrivalReporter(options) }).read();
      default:
        throw corrupt('its layout is unknown');
    }
  } catch (error) {
    if (error instanceof ExtensionFailure) throw error.cause;
    // Built-in constructors refuse what no writer would write: a RegExp that does not parse, a view off its buffer.
    throw isSplitrockError(error) ? error : corrupt('it describes a value that cannot exist', error);
  }
}

function encodePrimitive(value: unknown): Uint8Array {
  const out = new ByteWriter(64, HEADER_BYTES);
  writePrimitive(out, value);
  return sealFrame(out.written(), LAYOUT.value, 0, out.length - HEADER_BYTES);
}

function encodeReference(value: object | symbol, options: EncodeOptions): Uint8Array {
  const { extension } = options;
  const onDegraded = departureReporter(options);
  const writeGraph = (scanner: PlainScanner | undefined): Uint8Array =>
    new GraphWriter({ extension, scanner, onDegraded, errorFor: refusalError(options) }).write(value);
  if (options.portable === true) return writeGraph(undefined);
  const scanner = new PlainScanner(extension === undefined ? undefined : (object) => extension.claims(object));
  const isPlain = typeof value !== 'symbol' && scanner.isPlain(value);
  try {
    return isPlain ? rawFrame(value) : writeGraph(scanner);
  } catch (error) {
    if (error instanceof V8PayloadError) return writeGraph(undefined);
    throw error;
  }
}

function refusalError({ extension }: EncodeOptions): GraphWriterOptions['errorFor'] {
  return (reason, path, value) => {
    const refusal = { ...reason, path, value };
    return extension?.refuse?.(refusal) ?? unsupported(refusal);
  };
}

function departureReporter({ onWarning }: EncodeOptions): GraphWriterOptions['onDegraded'] {
  const told = new Set<string>();
  return (className, path) => {
    if (onWarning === undefined || told.has(className)) return;
    told.add(className);
    const where = path === '' ? 'the value itself' : path;
    const message = `An instance of ${className} travels as plain data, without its class and #private fields [path=${where}]; send plain data to silence this.`;
    onWarning({ className, path, message });
  };
}

function arrivalReporter({ onWarning }: DecodeOptions): (className: string) => void {
  const told = new Set<string>();
  return (className) => {
    if (onWarning === undefined || told.has(className)) return;
    told.add(className);
    const message = `An instance of ${className} arrived as plain data: its class is not known here.`;
    onWarning({ className, path: '', message });
  };
}

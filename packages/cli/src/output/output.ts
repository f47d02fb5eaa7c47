/** Where commands write: results on standard output, everything else on standard error. */
import { table } from './table.ts';

export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export class Output {
  readonly stdout: TextStream;
  readonly stderr: TextStream;

  constructor(stdout: TextStream, stderr: TextStream) {
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /** A line of the command's result. */
  line(text = ''): void {
    this.stdout.write(`${text}\n`);
  }

  /** The command's result for programs: one JSON document. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  table(headings: readonly string[], rows: readonly (readonly string[])[]): void {
    for (const line of table(headings, rows)) this.line(line);
  }

  /** A remark that is no part of the result. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }
}

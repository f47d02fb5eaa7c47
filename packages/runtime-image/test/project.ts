/** A user's project in a folder of its own, with packages and third-party plugins in it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'splitrock-image-test-'));

  write(path: string, content: string | object): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }

  /** An installed package of one module. */
  install(name: string, code: string): void {
    this.write(`node_modules/${name}/package.json`, { name, version: '1.2.3', type: 'module', exports: './index.js' });
    this.write(`node_modules/${name}/index.js`, code);
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

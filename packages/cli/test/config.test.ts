import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliSandbox } from './cli-sandbox.ts';

let sandbox: CliSandbox;
beforeEach(() => {
  sandbox = new CliSandbox();
});
afterEach(() => sandbox.dispose());

describe('config show', { timeout: 60_000 }, () => {
  it('prints what is in force and where it comes from', async () => {
    sandbox.write('splitrock.config.yaml', 'tenant: blue\nbackends:\n  localhost:\n    workerProcesses: 3\n');
    const { exitCode, stdout, stderr } = await sandbox.run(['config', 'show', '--origin', '--storage', 'local'], {
      env: { SPLITROCK_LOG_LEVEL: 'info' },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
    expect(lines[0]).toBe('VALUE | ORIGIN');
    expect(lines).toEqual(
      expect.arrayContaining([
        'tenant: "blue" | splitrock.config.yaml:1',
        'storage: "local" | command line',
        'logLevel: "info" | SPLITROCK_LOG_LEVEL',
        'backends.localhost.workerProcesses: 3 | splitrock.config.yaml:4',
        'backends.localhost.callsPerProcess: 1 | default',
        'job.retries: 0 | default',
      ]),
    );
  });

  it('prints JSON for programs, with references and without secrets', async () => {
    sandbox.write('splitrock.config.yaml', 'storages:\n  s3: { secretAccessKey: abc, sessionToken: "${env:TOKEN}" }\n');
    const { stdout } = await sandbox.run(['config', 'show', '--json', '--origin'], { env: { TOKEN: 'deep' } });
    const entries = JSON.parse(stdout) as readonly { readonly path: string }[];
    expect(entries).toContainEqual({
      path: 'storages.s3.secretAccessKey',
      value: '<redacted>',
      origin: 'splitrock.config.yaml:2',
    });
    expect(entries).toContainEqual({
      path: 'storages.s3.sessionToken',
      value: '${env:TOKEN}',
      origin: 'splitrock.config.yaml:2',
    });
    expect(stdout).not.toMatch(/abc|deep/);
  });

  it('takes a file by option, above the project’s', async () => {
    sandbox.write('splitrock.config.yaml', 'tenant: blue\n');
    sandbox.write('other.json', '{ "tenant": "red" }');
    const { stdout } = await sandbox.run(['config', 'show', '--origin', '--config', 'other.json']);
    expect(stdout).toMatch(/^tenant: "red" +other\.json:1$/m);
  });

  it('refuses a wrong configuration with every problem', async () => {
    sandbox.write('splitrock.config.yaml', 'tenant: Blue Team\nbackends:\n  localhost:\n    workerProceses: 4\n');
    expect(await sandbox.run(['config', 'show'], { env: { SPLITROCK_BAKEND: 'x' } })).toEqual({
      exitCode: 3,
      stdout: '',
      stderr: [
        'error CONFIG_INVALID: The configuration has 3 problems:',
        '  SPLITROCK_BAKEND: unknown variable; did you mean SPLITROCK_BACKEND?',
        '  tenant: must be 1 to 32 of a-z, 0-9 and -, with no - at its ends, got "Blue Team" (splitrock.config.yaml:1)',
        '  backends.localhost.workerProceses: unknown key (splitrock.config.yaml:4); did you mean workerProcesses?',
        '`splitrock config show --origin` says where each value comes from.',
        '',
      ].join('\n'),
    });
  });

  it('tells problems as JSON where JSON is asked for', async () => {
    const { exitCode, stdout, stderr } = await sandbox.run(['config', 'show', '--json', '--tenant', 'X']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'CONFIG_INVALID', details: { problems: [{ path: 'tenant', origin: 'command line' }] } },
    });
  });

  it('says what to install for a plugin that is not there', async () => {
    const { exitCode, stderr } = await sandbox.run(['config', 'show', '--backend', 'nowhere-at-all']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(
      /^error PLUGIN_NOT_FOUND: No backend plugin `nowhere-at-all` is installed \[tried=@splitrock\/backend-nowhere-at-all, .*set by=command line\]; run `npm install /,
    );
  });
});

describe('config init', { timeout: 60_000 }, () => {
  it('writes a file that changes nothing until it is edited', async () => {
    const before = await sandbox.run(['config', 'show', '--json']);
    const { exitCode, stdout } = await sandbox.run(['config', 'init']);
    const file = join(sandbox.cwd, 'splitrock.config.yaml');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: `Wrote ${file}. \`splitrock config show --origin\` says what is in force.\n`,
    });
    expect(await sandbox.run(['config', 'show', '--json'])).toEqual(before);
  });

  it('writes lines that work when they are uncommented', async () => {
    await sandbox.run(['config', 'init']);
    const text = readFileSync(join(sandbox.cwd, 'splitrock.config.yaml'), 'utf8');
    sandbox.write(
      'splitrock.config.yaml',
      text
        .replace('# tenant: "default"', 'tenant: "blue"')
        .replace('  # retries: 0', '  retries: 2')
        .replaceAll('# backends:', 'backends:')
        .replace('#   localhost:', '  localhost:'),
    );
    const { stdout, stderr } = await sandbox.run(['config', 'show']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^tenant: "blue"$/m);
    expect(stdout).toMatch(/^job\.retries: 2$/m);
    expect(stdout).toMatch(/^backends\.localhost\.workerProcesses: 4$/m);
  });

  it('overwrites nothing', async () => {
    const file = sandbox.write('splitrock.config.yaml', 'tenant: mine\n');
    expect(await sandbox.run(['config', 'init'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `error FILE_EXISTS: ${file} exists already and is kept as it is; edit it, or remove it first.\n`,
    });
    expect(readFileSync(file, 'utf8')).toBe('tenant: mine\n');
  });
});

describe('config path', { timeout: 60_000 }, () => {
  it('lists the places and what is there', async () => {
    const file = sandbox.write('splitrock.config.json', '{}');
    const { stdout } = await sandbox.run(['config', 'path', '--json']);
    const places = JSON.parse(stdout) as readonly { layer: string; file: string; exists: boolean }[];
    expect(places.map(({ layer }) => layer)).toEqual(['machine', 'user', 'project']);
    expect(places).toContainEqual({ layer: 'project', file, exists: true });
  });
});

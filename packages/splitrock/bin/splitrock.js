#!/usr/bin/env node
// Not TypeScript: npm links a command only when its file is there, and in a clone nothing is built when npm links.
const { runCli } = await import('@splitrock/cli').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error(
    `splitrock cannot start: ${error.message}\nIn a clone of the repository, build it first: npm run build`,
  );
  process.exit(1);
});

process.exitCode = await runCli({ args: process.argv.slice(2), resolveFrom: [import.meta.url] });

#!/usr/bin/env node
import { runCli } from './run-cli.ts';

process.exitCode = await runCli({ args: process.argv.slice(2), resolveFrom: [import.meta.url] });

/**
 * The public surface of every package as a text file under its `etc/`, to be reviewed as a diff like any other change.
 *
 * `npm run api` writes the files; without `--update` they are compared, and a difference is a problem. Both read the
 * built declarations, so build first.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Extractor, ExtractorLogLevel } from '@microsoft/api-extractor';
import { apiReportsOf, extractorConfig, type ApiReport } from './api/report-config.ts';
import { tell, type Problem } from './problems.ts';
import { publicProjects, readProjects, ROOT } from './workspace.ts';

const update = process.argv.includes('--update');

function problemsOf(report: ApiReport, tempFolder: string): Problem[] {
  if (!existsSync(report.types))
    return [{ where: report.entryPoint, what: `${report.types} does not exist; build first.` }];
  if (update) mkdirSync(dirname(join(ROOT, report.path)), { recursive: true });
  const complaints: Problem[] = [];
  const result = Extractor.invoke(extractorConfig(report, tempFolder), {
    localBuild: update,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel !== ExtractorLogLevel.Error) return;
      complaints.push({ where: report.entryPoint, what: message.text });
    },
  });
  if (!update && result.apiReportChanged) {
    complaints.push({
      where: report.path,
      what: 'is not what the package exports; run npm run api and review the difference.',
    });
  }
  return complaints;
}

const tempFolder = mkdtempSync(join(tmpdir(), 'splitrock-api-'));
try {
  const reports = publicProjects(readProjects()).flatMap((project) => apiReportsOf(project));
  tell(
    `API reports of ${reports.length} entry points`,
    reports.flatMap((report) => problemsOf(report, tempFolder)),
  );
} finally {
  rmSync(tempFolder, { recursive: true, force: true });
}

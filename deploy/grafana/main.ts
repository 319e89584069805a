import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DASHBOARDS, dashboardJson } from './panels.ts';

for (const dashboard of DASHBOARDS) {
  const file = join(import.meta.dirname, 'dashboards', `${dashboard.uid}.json`);
  writeFileSync(file, `${JSON.stringify(dashboardJson(dashboard), null, 2)}\n`);
  process.stdout.write(`${file}\n`);
}

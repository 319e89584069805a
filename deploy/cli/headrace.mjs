#!/usr/bin/env node
/** The command line as an installed command: runs main.ts on the Node that it needs. */
process.argv.splice(2, 0, 'deploy/cli/main.ts');
await import('../bootstrap.mjs');

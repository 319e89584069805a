import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

/** One file of the page as it is served. */
export interface Asset {
  readonly type: string;
  readonly bytes: Buffer;
  readonly gzipped: Buffer;
}

/** The whole page. */
export interface PageAssets {
  /** The one document; it names everything else by the digest. */
  readonly index: Asset;
  /** Of the document, for ETag. */
  readonly indexDigest: string;
  /** Digest of all files together: the folder they are served under, so that they never change where they are. */
  readonly digest: string;
  readonly files: ReadonlyMap<string, Asset>;
  /** What a browser may run besides files of this server: the import map, by its hash. */
  readonly importMapHash: string;
}

const WEB = resolve(import.meta.dirname, '../web');

/** Modules of packages, by the name they are imported by. */
const PACKAGES: Readonly<Record<string, readonly [file: string, from: string]>> = {
  preact: ['preact.mjs', 'preact/dist/preact.mjs'],
  'preact/hooks': ['preact-hooks.mjs', 'preact/hooks/dist/hooks.mjs'],
  htm: ['htm.mjs', 'htm/dist/htm.mjs'],
  uplot: ['uplot.mjs', 'uplot/dist/uPlot.esm.js'],
};

const TYPES: Readonly<Record<string, string>> = {
  ts: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
};

function assetOf(name: string, text: string): Asset {
  const bytes = Buffer.from(text);
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { type, bytes, gzipped: gzipSync(bytes) };
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Returns the folder of node_modules: packages do not export the path of their modules. */
function packagesDir(): string {
  const manifest = createRequire(import.meta.url).resolve('preact/package.json');
  return resolve(manifest, '../..');
}

function readFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of readdirSync(WEB).sort()) {
    if (name.endsWith('.ts')) files.set(name, stripTypeScriptTypes(readFileSync(join(WEB, name), 'utf8')));
    if (name.endsWith('.css')) files.set(name, readFileSync(join(WEB, name), 'utf8'));
  }
  const packages = packagesDir();
  for (const [file, from] of Object.values(PACKAGES))
    files.set(file, readFileSync(join(packages, from), 'utf8').replace(/\n\/\/# sourceMappingURL=.*/, ''));
  files.set('uplot.css', readFileSync(join(packages, 'uplot/dist/uPlot.min.css'), 'utf8'));
  return files;
}

/** Returns the text of the one inline script, to the last space: that is what browsers take the hash of. */
function inlineScript(index: string): string {
  return /<script type="importmap">(.*?)<\/script>/s.exec(index)?.[1] ?? '';
}

/**
 * Reads the page: its TypeScript with the types taken out, styles, and the modules of packages. Nothing is bundled: browsers load
 * modules side by side, and an import map tells them where packages are.
 */
export function readPageAssets(): PageAssets {
  const files = readFiles();
  const digest = sha256(JSON.stringify([...files]))
    .toString('hex')
    .slice(0, 16);
  const base = `/assets/${digest}`;
  const imports = Object.fromEntries(
    Object.entries(PACKAGES).map(([name, [file]]) => [name, `${base}/${file}`]),
  );
  const importMap = JSON.stringify({ imports });
  const modules = [...files.keys()].filter((name) => /\.(ts|mjs)$/.test(name));
  const preloads = modules.map((name) => `<link rel="modulepreload" href="${base}/${name}">`);
  const index = readFileSync(join(WEB, 'index.html'), 'utf8')
    .replaceAll('{{assets}}', base)
    .replace('{{importMap}}', () => importMap)
    .replace('{{preloads}}', () => preloads.join('\n    '));
  return {
    index: assetOf('index.html', index),
    indexDigest: sha256(index).toString('hex').slice(0, 16),
    digest,
    files: new Map([...files].map(([name, text]) => [name, assetOf(name, text)])),
    importMapHash: sha256(inlineScript(index)).toString('base64'),
  };
}

// The routes of the program, as its routers have them: read from their source, so that none can be forgotten.

import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { root } from './provider.js';

const folder = path.join(root, 'provider/web/src/routes');

async function sources(at = folder) {
  const found = [];
  for (const entry of await readdir(at, { withFileTypes: true })) {
    if (entry.isDirectory()) found.push(...(await sources(path.join(at, entry.name))));
    else if (entry.name.endsWith('.rs')) found.push(path.join(at, entry.name));
  }
  return found;
}

/** The text from `start`, which stands after an opening parenthesis, to its closing one. */
function inside(text, start) {
  let depth = 1;
  let at = start;
  for (; at < text.length && depth > 0; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
  }
  return text.slice(start, at - 1);
}

/**
 * Every route below a tenant: `[{path, methods}]`, the path as axum writes it.
 * Those of the demo, of files and of the deployment are not among them.
 */
export async function tenantRoutes() {
  const routes = [{ path: '/', methods: ['GET'] }];
  for (const file of await sources()) {
    const name = path.relative(folder, file);
    if (['demo.rs', 'assets.rs', 'health.rs', 'mod.rs'].includes(name)) continue;
    const text = await readFile(file, 'utf8');
    for (const match of text.matchAll(/\.route\(\s*/g)) {
      const call = inside(text, match.index + match[0].length);
      const [, where] = /^"([^"]+)"/.exec(call) ?? [];
      if (!where) throw new Error(`${name}: a route whose path is no literal: ${call.slice(0, 60)}`);
      const methods = [...call.matchAll(/\b(get|post|put|delete|patch)\(/g)].map(([, method]) => method.toUpperCase());
      if (methods.length === 0) throw new Error(`${name}: ${where} has no method that can be read`);
      if (!where.startsWith('/.well-known/oauth-authorization-server')) routes.push({ path: where, methods });
    }
  }
  const seen = new Map();
  for (const { path: where, methods } of routes) seen.set(where, [...new Set([...(seen.get(where) ?? []), ...methods])]);
  return [...seen].map(([where, methods]) => ({ path: where, methods }));
}

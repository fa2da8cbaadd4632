// Every page × sample × theme × language as the program renders it, served on loopback, to look at and to measure.

import http from 'node:http';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command, program, root } from '../support/provider.js';

const types = { '.html': 'text/html; charset=utf-8', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml', '.png': 'image/png', '.jpg': 'image/jpeg', '.woff2': 'font/woff2', '.ico': 'image/x-icon' };
const picture = '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="300"><rect width="480" height="300" fill="#e8e4d4"/><rect x="340" y="40" width="110" height="140" fill="#8aa0c0"/><g fill="#555"><rect x="30" y="40" width="280" height="14"/><rect x="30" y="80" width="240" height="14"/><rect x="30" y="120" width="260" height="14"/></g></svg>';

/** Renders all with `madoguchi theme render` and serves it. */
export async function renderedPages() {
  const folder = await mkdtemp(path.join(tmpdir(), 'madoguchi-pages-'));
  const result = await command(program, ['theme', 'render', folder], { cwd: root, timeout: 120_000 });
  if (result.code !== 0) throw new Error(`madoguchi theme render: ${result.stderr}${result.stdout}`);
  const pages = [];
  for (const theme of await readdir(folder)) {
    for (const language of ['ja', 'en']) {
      const files = await readdir(path.join(folder, theme, language)).catch(() => []);
      for (const file of files.filter((name) => name.endsWith('.html'))) {
        const [page, sample] = file.replace(/\.html$/, '').split('.');
        pages.push({ theme, language, page, sample, path: `/${theme}/${language}/${file}`, file: path.join(folder, theme, language, file) });
      }
    }
  }
  const server = http.createServer(async (incoming, answer) => {
    const wanted = decodeURIComponent(new URL(incoming.url, 'http://x').pathname);
    if (wanted.startsWith('/samples/') || /^\/t\/.*\.(png|jpg)$/.test(wanted)) {
      answer.writeHead(200, { 'content-type': 'image/svg+xml' });
      return answer.end(picture);
    }
    const file = path.join(folder, path.normalize(wanted));
    const body = await readFile(file).catch(() => undefined);
    // this page sends itself away; here it is to be looked at
    const still = wanted.includes('/form-post.') ? body?.toString().replace(/<script[^>]*send\.js[^>]*><\/script>/, '') : body;
    answer.writeHead(body ? 200 : 404, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream' });
    return answer.end(still ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    pages,
    origin: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

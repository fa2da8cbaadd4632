// Makes pictures of every page: `tests/screenshots`. They go to
// tests/pictures, which git ignores: {live,rendered}/{theme}/{language}/{width}/{page}.png

import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { ChromiumVisitor, closeBrowser } from '../support/chromium.js';
import { Provider, root } from '../support/provider.js';
import { everybody, everyClient } from '../support/suite.js';
import { renderedPages } from './static.js';
import { walk } from './walk.js';

const folder = path.join(root, 'tests', 'pictures');
await rm(folder, { recursive: true, force: true });
let count = 0;

async function picture(visitor, ...parts) {
  const file = path.join(folder, ...parts);
  await mkdir(path.dirname(file), { recursive: true });
  await visitor.view.screenshot({ path: file, fullPage: true, animations: 'disabled' });
  count += 1;
}

const wanted = process.argv.slice(2);
const rendered = await renderedPages();
for (const [width, scheme] of [[1280, 'light'], [375, 'light'], [375, 'dark']]) {
  const visitor = await ChromiumVisitor.open({ width, height: 900, colorScheme: scheme });
  await visitor.context.route((url) => url.hostname !== '127.0.0.1', (route) => route.fulfill({ status: 204 }));
  for (const { theme, language, page, sample, path: where } of rendered.pages) {
    if (theme === 'base' || (wanted.length && !wanted.includes(page))) continue;
    await visitor.visit(rendered.origin + where);
    await picture(visitor, 'rendered', theme, language, `${width}${scheme === 'dark' ? '-dark' : ''}`, `${page}.${sample}.png`);
  }
  await visitor.close();
}
await rendered.close();

if (!wanted.length) {
  const provider = await Provider.prepare({ database: 'sqlite', tenants: ['certificate', 'residence'] });
  await provider.createAccount(everybody);
  for (const client of everyClient) await provider.registerClient(client);
  await provider.start();
  try {
    for (const language of ['ja', 'en']) {
      const visitor = await ChromiumVisitor.open({ language });
      await walk(visitor, provider, async (name) => {
        for (const width of [1280, 375]) {
          await visitor.view.setViewportSize({ width, height: 900 });
          await picture(visitor, 'live', language, String(width), `${name}.png`);
        }
        await visitor.view.setViewportSize({ width: 1280, height: 900 });
      });
      await visitor.close();
    }
  } finally {
    await provider.end();
  }
}
await closeBrowser();
console.log(`${count} pictures in ${folder}`);

// Every page of every theme in both languages with every sample, as files: measured by axe-core, html-validate and rulers.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { axeFindings, frameFindings, markupFindings, overflow, smallTargets } from '../support/inspection.js';
import { renderedPages } from './static.js';

browserForThisFile();

// each theme in a context of its own, as many at a time as there are cores
describe('rendered pages', { concurrency: availableParallelism() }, () => {
  let rendered;
  before(async () => {
    rendered = await renderedPages();
  });
  after(async () => {
    await rendered?.close();
  });

  it('every theme has every page in every language', () => {
    const names = (theme, language) => rendered.pages.filter((one) => one.theme === theme && one.language === language).map(({ page, sample }) => `${page}.${sample}`).sort();
    const themes = [...new Set(rendered.pages.map(({ theme }) => theme))];
    assert.deepEqual(new Set(themes), new Set(['base', 'certificate', 'residence']));
    for (const theme of themes) for (const language of ['ja', 'en']) assert.deepEqual(names(theme, language), names('base', 'ja'), `${theme} ${language}`);
    assert.ok(names('base', 'ja').length >= 30);
  });

  it('html-validate finds nothing', async () => {
    const wrong = [];
    for (const { path, file } of rendered.pages) for (const finding of await markupFindings(await readFile(file, 'utf8'))) wrong.push(`${path} ${finding}`);
    assert.deepEqual(wrong.slice(0, 40), [], `${wrong.length} findings`);
  });

  for (const theme of ['base', 'certificate', 'residence']) {
    for (const scheme of ['light', 'dark']) {
      it(`axe-core finds nothing, no page scrolls sideways at 320 px, every target is 44 px: ${theme}, ${scheme}`, { timeout: 1_200_000 }, async () => {
        const visitor = await ChromiumVisitor.open({ width: 1280, colorScheme: scheme });
        // the page that posts an answer to an app does so by script; it is to stay and be looked at
        await visitor.context.route((url) => url.hostname !== '127.0.0.1', (route) => route.fulfill({ status: 204 }));
        const wrong = [];
        for (const { path, language } of rendered.pages.filter((one) => one.theme === theme)) {
          await visitor.view.setViewportSize({ width: 1280, height: 900 });
          await visitor.visit(rendered.origin + path);
          if (scheme === 'dark') {
            // nothing but the colours is another than in light
            for (const finding of await axeFindings(visitor.view, ['color-contrast', 'link-in-text-block'])) wrong.push(`${path}: ${finding}`);
            continue;
          }
          for (const finding of await axeFindings(visitor.view)) wrong.push(`${path}: ${finding}`);
          for (const finding of await frameFindings(visitor.view, language)) wrong.push(`${path}: ${finding}`);
          for (const finding of await smallTargets(visitor.view)) wrong.push(`${path}: ${finding}`);
          await visitor.view.setViewportSize({ width: 320, height: 700 });
          for (const finding of await overflow(visitor.view)) wrong.push(`${path} at 320 px: ${finding}`);
          for (const finding of await smallTargets(visitor.view)) wrong.push(`${path} at 320 px: ${finding}`);
        }
        const foreign = visitor.foreign.filter((url) => !url.endsWith('/callback'));
        await visitor.close();
        assert.deepEqual(foreign, []);
        assert.deepEqual(wrong.slice(0, 40), [], `${wrong.length} findings`);
      });
    }
  }
});

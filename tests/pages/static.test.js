// Every page of every theme in both languages with every sample, as files: measured by axe-core, html-validate and rulers.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { axeFindings, frameFindings, markupFindings, overflow, rulesOfColour, rulesOfLooks, skeleton, smallTargets } from '../support/inspection.js';
import { renderedPages } from './static.js';

browserForThisFile();

// each theme in a context of its own, as many at a time as there are cores
describe('rendered pages', { concurrency: availableParallelism() }, () => {
  let rendered;
  /** Pages on which every rule of axe-core is run: one of those with the same markup, in turn of each theme. */
  const whole = new Set();
  before(async () => {
    rendered = await renderedPages();
    const alike = new Map();
    for (const { path, file, language } of rendered.pages) {
      const markup = `${language} ${skeleton(await readFile(file, 'utf8'))}`;
      alike.set(markup, [...(alike.get(markup) ?? []), path]);
    }
    let turn = 0;
    for (const paths of alike.values()) whole.add(paths[(turn += 1) % paths.length]);
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

  it('every rule of axe-core is run on a good part of the pages, of each theme and language', () => {
    for (const theme of ['base', 'certificate', 'residence']) {
      for (const language of ['ja', 'en']) {
        const pages = rendered.pages.filter((one) => one.theme === theme && one.language === language);
        const examined = pages.filter(({ path }) => whole.has(path)).length;
        assert.ok(examined * 5 >= pages.length, `${theme} ${language}: ${examined} of ${pages.length}`);
      }
    }
  });

  for (const theme of ['base', 'certificate', 'residence']) {
    it(`axe-core finds nothing in light or dark, no page scrolls sideways at 320 px, every target is 44 px: ${theme}`, { timeout: 1_200_000 }, async () => {
      const visitor = await ChromiumVisitor.open({ width: 1280 });
      const { view } = visitor;
      // the page that posts an answer to an app does so by script; it is to stay and be looked at
      await visitor.context.route((url) => url.hostname !== '127.0.0.1', (route) => route.fulfill({ status: 204 }));
      const wrong = [];
      const note = (where, findings) => wrong.push(...findings.map((finding) => `${where}: ${finding}`));
      for (const { path, language } of rendered.pages.filter((one) => one.theme === theme)) {
        await view.setViewportSize({ width: 1280, height: 900 });
        // colours change at once, so that none is measured on its way
        await view.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
        await visitor.visit(rendered.origin + path);
        note(path, await axeFindings(view, whole.has(path) ? undefined : rulesOfLooks));
        note(path, await frameFindings(view, language));
        note(path, await smallTargets(view));
        // nothing but the colours is another than in light
        await view.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
        note(`${path} in dark`, await axeFindings(view, rulesOfColour));
        await view.setViewportSize({ width: 320, height: 700 });
        note(`${path} at 320 px`, await overflow(view));
        note(`${path} at 320 px`, await smallTargets(view));
      }
      const foreign = visitor.foreign.filter((url) => !url.endsWith('/callback'));
      await visitor.close();
      assert.deepEqual(foreign, []);
      assert.deepEqual(wrong.slice(0, 40), [], `${wrong.length} findings`);
    });
  }
});

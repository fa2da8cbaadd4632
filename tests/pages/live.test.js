// The same measures on the pages that the running program shows along the way, of certificate and the entrance of residence, in both languages.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ChromiumVisitor, browserForThisFile } from '../support/chromium.js';
import { databases } from '../support/database.js';
import { axeFindings, frameFindings, markupFindings, overflow, smallTargets } from '../support/inspection.js';
import { Provider } from '../support/provider.js';
import { everybody, everyClient } from '../support/suite.js';
import { walk } from './walk.js';

browserForThisFile();

describe('live pages', { skip: !databases.includes('sqlite') && 'SQLite was not asked for' }, () => {
  let provider;
  before(async () => {
    provider = await Provider.prepare({ database: 'sqlite', tenants: ['certificate', 'residence'] });
    await provider.createAccount(everybody);
    for (const client of everyClient) await provider.registerClient(client);
    await provider.start();
  }, { timeout: 60_000 });
  after(async () => {
    await provider?.end();
  });

  for (const language of ['ja', 'en']) {
    it(`axe-core, html-validate and rulers find nothing along the way (${language})`, { timeout: 240_000 }, async () => {
      const visitor = await ChromiumVisitor.open({ language });
      const wrong = [];
      const seen = [];
      await walk(visitor, provider, async (name) => {
        seen.push(name);
        const { view } = visitor;
        for (const finding of await markupFindings(await visitor.source())) wrong.push(`${name}: ${finding}`);
        for (const finding of await axeFindings(view)) wrong.push(`${name}: ${finding}`);
        for (const finding of await frameFindings(view, language)) wrong.push(`${name}: ${finding}`);
        for (const finding of await smallTargets(view)) wrong.push(`${name}: ${finding}`);
        await view.setViewportSize({ width: 320, height: 700 });
        for (const finding of await overflow(view)) wrong.push(`${name} at 320 px: ${finding}`);
        await view.setViewportSize({ width: 1280, height: 900 });
      });
      assert.ok(seen.length >= 14, seen.join());
      assert.deepEqual(visitor.complaints, []);
      await visitor.close();
      assert.deepEqual(wrong.slice(0, 40), [], `${wrong.length} findings`);
    });
  }

  it('every page can be walked with the keyboard, the focus is always visible and never covered', { timeout: 120_000 }, async () => {
    const visitor = await ChromiumVisitor.open({ width: 375, height: 700 });
    for (const path of ['/login', '/register', '/']) {
      await visitor.visit(`${provider.issuer()}${path}`);
      const seen = new Set();
      for (let n = 0; n < 60; n += 1) {
        await visitor.view.keyboard.press('Tab');
        const focus = await visitor.view.evaluate(() => {
          const node = document.activeElement;
          if (!node || node === document.body) return null;
          const box = node.getBoundingClientRect();
          const style = getComputedStyle(node);
          const at = document.elementFromPoint(box.left + box.width / 2, Math.min(box.top + box.height / 2, innerHeight - 1));
          const ring = style.outlineStyle !== 'none' || style.boxShadow !== 'none' || node.matches('input[type=radio], input[type=checkbox]');
          return { name: `${node.tagName}#${node.id || node.textContent.trim().slice(0, 20)}`, ring, covered: at !== null && at !== node && !node.contains(at) && !at.contains(node) };
        });
        if (!focus || seen.has(focus.name)) break;
        seen.add(focus.name);
        assert.ok(focus.ring, `${path}: the focus on ${focus.name} shows`);
        assert.equal(focus.covered, false, `${path}: ${focus.name} is covered`);
      }
      assert.ok(seen.size >= 3, `${path}: ${[...seen].join()}`);
    }
    await visitor.close();
  });
});
